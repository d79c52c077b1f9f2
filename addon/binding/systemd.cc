// The verb that asks which systemd there is. What is done with it are host steps (steps/host_systemd.cc).
#include <cstring>

#include "binding/systemd_manager.h"
#include "binding/verb.h"
#include "binding/verbs.h"
#include "common/buffer.h"

namespace runtime_ts {

Napi::Value SystemdManagerFacts(const Napi::CallbackInfo& info) {
  const Napi::Env env = info.Env();
  const std::string json = Options(info).Text("bus");
  Buffer text;
  if (!text.Allocate(json.size())) return Throw(env, {"malloc", ENOMEM, {}});
  std::memcpy(text.data(), json.data(), json.size());
  JsonDocument addresses;
  if (!ParseJson(&text, &addresses)) return Throw(env, {"systemd", EINVAL, "not JSON"});

  SystemdManager* manager = nullptr;
  std::string version;
  std::string control_group;
  if (const Failure failure = SystemdManager::Connect(addresses, &manager)) return Throw(env, failure);
  if (const Failure failure = manager->Property("Version", &version)) return Throw(env, failure);
  if (const Failure failure = manager->Property("ControlGroup", &control_group)) return Throw(env, failure);
  auto result = Napi::Object::New(env);
  result.Set("version", Napi::String::New(env, version));
  result.Set("controlGroup", Napi::String::New(env, control_group));
  return result;
}

}  // namespace runtime_ts
