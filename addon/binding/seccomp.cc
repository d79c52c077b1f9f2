// The verb that compiles seccomp profiles.
#include "binding/seccomp_compiler.h"
#include "binding/verb.h"
#include "binding/verbs.h"

namespace runtime_ts {

Napi::Value CompileSeccomp(const Napi::CallbackInfo& info) {
  const Napi::Env env = info.Env();
  std::vector<unsigned char> program;
  if (const Failure failure = CompileFilter(Options(info).Text("profile"), &program)) return Throw(env, failure);
  auto bytes = Napi::Uint8Array::New(env, program.size());
  std::copy(program.begin(), program.end(), bytes.Data());
  return bytes;
}

}  // namespace runtime_ts
