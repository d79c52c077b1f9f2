// Is a text UTF-8?
#pragma once

#include <string_view>

namespace runtime_ts {

// RFC 3629: shortest forms only, no surrogates, nothing above U+10FFFF.
bool IsUtf8(std::string_view text);

}  // namespace runtime_ts
