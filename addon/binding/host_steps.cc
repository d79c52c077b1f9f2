// The verb that runs the host steps of a plan.
#include "steps/host_steps.h"

#include <cstring>

#include "binding/verb.h"
#include "binding/verbs.h"
#include "common/buffer.h"
#include "common/errno_text.h"
#include "common/json.h"

namespace runtime_ts {

Napi::Value ExecuteHostSteps(const Napi::CallbackInfo& info) {
  const Napi::Env env = info.Env();
  const Options options(info);
  const std::string json = options.Text("steps");
  Buffer text;
  if (!text.Allocate(json.size())) return Throw(env, {"malloc", ENOMEM, {}});
  std::memcpy(text.data(), json.data(), json.size());
  JsonDocument steps;
  if (!ParseJson(&text, &steps) || !steps.IsArray()) return Throw(env, {"host step", EINVAL, "not a JSON array"});

  const HostStepFailure failed = RunHostSteps(steps, options.Integer("pid", -1));
  if (!failed.failure) return env.Undefined();
  auto result = Napi::Object::New(env);
  result.Set("step", Napi::Number::New(env, failed.step));
  result.Set("syscall", Napi::String::New(env, failed.failure.syscall));
  result.Set("errno", Napi::Number::New(env, failed.failure.number));
  result.Set("code", Napi::String::New(env, ErrnoName(failed.failure.number)));
  if (!failed.failure.detail.empty()) result.Set("detail", Napi::String::New(env, failed.failure.detail));
  return result;
}

}  // namespace runtime_ts
