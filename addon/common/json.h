// Reading JSON with RapidJSON, in place: strings point into the buffer that was parsed.
#pragma once

#include <cstdint>
#include <string_view>

// A wrong type is a bug in the plan compiler, never worth undefined behaviour: stop at once.
#define RAPIDJSON_ASSERT(condition) ((condition) ? static_cast<void>(0) : __builtin_trap())
#include <rapidjson/document.h>

#include "common/buffer.h"

namespace runtime_ts {

using JsonDocument = rapidjson::Document;
using JsonValue = rapidjson::Value;

// Overwrites the buffer, which must outlive the document.
inline bool ParseJson(Buffer* text, JsonDocument* document) {
  if (text->data() == nullptr) return false;
  document->ParseInsitu(text->data());
  return !document->HasParseError();
}

// The member, or nullptr when `object` has none (or is no object).
inline const JsonValue* JsonMember(const JsonValue& object, const char* key) {
  if (!object.IsObject()) return nullptr;
  const auto found = object.FindMember(key);
  return found == object.MemberEnd() ? nullptr : &found->value;
}

// NUL-terminated, as in-place parsing leaves it; `fallback` when missing or no string.
inline const char* JsonString(const JsonValue& object, const char* key, const char* fallback = nullptr) {
  const JsonValue* value = JsonMember(object, key);
  return value != nullptr && value->IsString() ? value->GetString() : fallback;
}

inline std::string_view JsonText(const JsonValue& value) {
  return value.IsString() ? std::string_view(value.GetString(), value.GetStringLength()) : std::string_view();
}

inline std::int64_t JsonInteger(const JsonValue& object, const char* key, std::int64_t fallback = 0) {
  const JsonValue* value = JsonMember(object, key);
  return value != nullptr && value->IsInt64() ? value->GetInt64() : fallback;
}

inline bool JsonBool(const JsonValue& object, const char* key, bool fallback = false) {
  const JsonValue* value = JsonMember(object, key);
  return value != nullptr && value->IsBool() ? value->GetBool() : fallback;
}

// Calls `each(const JsonValue&)` for the elements of an array member; a missing one has none.
template <typename Each>
void JsonForEach(const JsonValue& object, const char* key, Each each) {
  const JsonValue* value = JsonMember(object, key);
  if (value == nullptr || !value->IsArray()) return;
  for (const JsonValue& element : value->GetArray()) each(element);
}

}  // namespace runtime_ts
