// argv and envp for execve(2).
#pragma once

#include <cstdlib>
#include <memory>

#include "common/json.h"

namespace runtime_ts {

struct Free {
  void operator()(void* memory) const { std::free(memory); }
};

// NULL-terminated; the strings stay in the plan. `last` comes after them unless it is null. Empty (null) only when
// there is no memory.
using StringArray = std::unique_ptr<char*[], Free>;

inline StringArray MakeStringArray(const JsonValue& step, const char* key, char* last = nullptr) {
  const JsonValue* list = JsonMember(step, key);
  const std::size_t size = list != nullptr && list->IsArray() ? list->Size() : 0;
  StringArray strings(static_cast<char**>(std::calloc(size + 2, sizeof(char*))));
  if (strings == nullptr) return strings;
  std::size_t count = 0;
  JsonForEach(step, key, [&](const JsonValue& value) {
    if (value.IsString()) strings[count++] = const_cast<char*>(value.GetString());
  });
  strings[count] = last;
  return strings;
}

}  // namespace runtime_ts
