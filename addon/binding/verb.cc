#include "binding/verb.h"

#include "common/errno_text.h"

namespace runtime_ts {

std::string Options::Text(const char* key) const {
  const Napi::Value value = object_.Get(key);
  return value.IsString() ? value.As<Napi::String>().Utf8Value() : std::string();
}

std::string Options::Path(const char* key) const {
  std::string path = Text(key);
  if (path.find('\0') != std::string::npos) path.clear();
  return path;
}

std::vector<std::string> Options::Texts(const char* key) const {
  std::vector<std::string> texts;
  const Napi::Value value = object_.Get(key);
  if (!value.IsArray()) return texts;
  const auto array = value.As<Napi::Array>();
  texts.reserve(array.Length());
  for (std::uint32_t i = 0; i < array.Length(); i++) texts.push_back(array.Get(i).ToString().Utf8Value());
  return texts;
}

int Options::Integer(const char* key, int fallback) const {
  const Napi::Value value = object_.Get(key);
  return value.IsNumber() ? value.As<Napi::Number>().Int32Value() : fallback;
}

bool Options::Flag(const char* key) const {
  const Napi::Value value = object_.Get(key);
  return value.IsBoolean() && value.As<Napi::Boolean>().Value();
}

bool Options::Has(const char* key) const { return !object_.Get(key).IsUndefined(); }

Napi::Value Throw(Napi::Env env, const Failure& failure) {
  char text[128];
  std::string message = failure.syscall;
  if (!failure.detail.empty()) message += " " + failure.detail;
  message += std::string(": ") + ErrnoText(failure.number, text, sizeof text);

  const Napi::Error error = Napi::Error::New(env, message);
  error.Set("syscall", Napi::String::New(env, failure.syscall));
  error.Set("errno", Napi::Number::New(env, failure.number));
  error.Set("code", Napi::String::New(env, ErrnoName(failure.number)));
  if (!failure.detail.empty()) error.Set("detail", Napi::String::New(env, failure.detail));
  error.ThrowAsJavaScriptException();
  return env.Undefined();
}

Napi::Value Finish(Napi::Env env, const Failure& failure) { return failure ? Throw(env, failure) : env.Undefined(); }

}  // namespace runtime_ts
