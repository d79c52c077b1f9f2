#include <napi.h>
#include <unistd.h>

static Napi::Value Exit(const Napi::CallbackInfo& info) { _exit(info[0].As<Napi::Number>().Int32Value()); }
static Napi::Object Init(Napi::Env env, Napi::Object exports) {
  exports.Set("exit", Napi::Function::New(env, Exit));
  return exports;
}
NODE_API_MODULE(runtime_ts, Init)
