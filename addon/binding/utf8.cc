#include "binding/utf8.h"

#include <cstdint>
#include <cstring>

namespace runtime_ts {
namespace {

unsigned Byte(std::string_view text, std::size_t at) { return static_cast<unsigned char>(text[at]); }

// Length of the sequence at `at`, or 0 when there is none.
std::size_t SequenceAt(std::string_view text, std::size_t at) {
  const unsigned lead = Byte(text, at);
  std::size_t length = 0;
  // The second byte's range is what rules out long forms, surrogates and what is too large.
  unsigned low = 0x80;
  unsigned high = 0xbf;
  if (lead < 0x80) return 1;
  if (lead >= 0xc2 && lead <= 0xdf) {
    length = 2;
  } else if (lead >= 0xe0 && lead <= 0xef) {
    length = 3;
    if (lead == 0xe0) low = 0xa0;
    if (lead == 0xed) high = 0x9f;
  } else if (lead >= 0xf0 && lead <= 0xf4) {
    length = 4;
    if (lead == 0xf0) low = 0x90;
    if (lead == 0xf4) high = 0x8f;
  } else {
    return 0;
  }
  if (text.size() - at < length) return 0;
  if (Byte(text, at + 1) < low || Byte(text, at + 1) > high) return 0;
  for (std::size_t i = 2; i < length; i++) {
    if ((Byte(text, at + i) & 0xc0) != 0x80) return 0;
  }
  return length;
}

}  // namespace

bool IsUtf8(std::string_view text) {
  constexpr std::uint64_t kHighBits = 0x8080808080808080;
  std::size_t at = 0;
  while (at < text.size()) {
    std::uint64_t eight = 0;
    if (text.size() - at >= sizeof eight) {
      std::memcpy(&eight, text.data() + at, sizeof eight);
      if ((eight & kHighBits) == 0) {
        at += sizeof eight;
        continue;
      }
    }
    const std::size_t length = SequenceAt(text, at);
    if (length == 0) return false;
    at += length;
  }
  return true;
}

}  // namespace runtime_ts
