// Words of config.json and what they are to the kernel.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

#include "common/json.h"

namespace runtime_ts {

struct Word {
  std::string_view name;
  std::uint32_t value;
};

template <std::size_t Size>
bool FindWord(const Word (&words)[Size], std::string_view name, std::uint32_t* value) {
  for (const Word& word : words) {
    if (word.name != name) continue;
    *value = word.value;
    return true;
  }
  return false;
}

template <std::size_t Size>
bool CollectWords(const Word (&words)[Size], const JsonValue& step, const char* key, std::uint32_t* bits) {
  bool known = true;
  JsonForEach(step, key, [&](const JsonValue& name) {
    std::uint32_t bit = 0;
    known = FindWord(words, JsonText(name), &bit) && known;
    *bits |= bit;
  });
  return known;
}

}  // namespace runtime_ts
