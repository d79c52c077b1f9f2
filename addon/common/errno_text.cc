#include "common/errno_text.h"

#include <cctype>
#include <cstdio>
#include <cstring>

namespace runtime_ts {

const char* ErrnoName(int number) {
  const char* name = strerrorname_np(number);
  return name == nullptr ? "EUNKNOWN" : name;
}

const char* ErrnoText(int number, char* into, std::size_t size) {
  const char* text = strerrordesc_np(number);
  if (text == nullptr) {
    std::snprintf(into, size, "errno %d", number);
    return into;
  }
  std::snprintf(into, size, "%s", text);
  // "RFS specific error" stays as it is.
  const bool abbreviation = into[0] != '\0' && std::isupper(static_cast<unsigned char>(into[1])) != 0;
  if (!abbreviation) into[0] = static_cast<char>(std::tolower(static_cast<unsigned char>(into[0])));
  return into;
}

}  // namespace runtime_ts
