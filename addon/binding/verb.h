// The Node-API side of a verb: its one options object, its results, and its failure.
#pragma once

#include <napi.h>

#include <string>
#include <vector>

#include "binding/failure.h"

namespace runtime_ts {

// The options object of a verb, read by key. src/native/api.ts has the types; TypeScript has checked them.
class Options {
 public:
  explicit Options(const Napi::CallbackInfo& info) : object_(info[0].As<Napi::Object>()) {}

  [[nodiscard]] std::string Text(const char* key) const;
  // A path with a NUL inside names nothing: it becomes empty, which every call answers with ENOENT, instead of being
  // cut short into another path.
  [[nodiscard]] std::string Path(const char* key) const;
  [[nodiscard]] std::vector<std::string> Texts(const char* key) const;
  [[nodiscard]] int Integer(const char* key, int fallback = -1) const;
  [[nodiscard]] bool Flag(const char* key) const;
  [[nodiscard]] bool Has(const char* key) const;
  [[nodiscard]] Napi::Value Get(const char* key) const { return object_.Get(key); }

 private:
  Napi::Object object_;
};

// Throws the NativeFailure of src/native/api.ts. The one place where the addon throws.
Napi::Value Throw(Napi::Env env, const Failure& failure);

// Undefined, or the failure thrown: the end of a verb that has no result.
Napi::Value Finish(Napi::Env env, const Failure& failure);

}  // namespace runtime_ts
