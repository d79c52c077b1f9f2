// Memory and strings. No headers of libc here: in C++ they declare strchr and its like in two versions each.
//
// An optimiser knows what these loops do and would replace each by a call of the function that it is in; the empty asm
// hides them.
#include <cstddef>

namespace {

template <typename T>
inline T Hidden(T value) {
  asm volatile("" : "+r"(value));
  return value;
}

}  // namespace

extern "C" {

void* memcpy(void* __restrict to, const void* __restrict from, std::size_t size) {
  void* const result = to;
#if defined(__x86_64__)
  asm volatile("rep movsb" : "+D"(to), "+S"(from), "+c"(size) : : "memory");
#else
  auto* out = static_cast<char*>(to);
  auto* in = static_cast<const char*>(from);
  for (; size >= 8; size -= 8, out += 8, in += 8) __builtin_memcpy(out, Hidden(in), 8);
  while (size-- > 0) *out++ = *Hidden(in++);
#endif
  return result;
}

void* memmove(void* to, const void* from, std::size_t size) {
  auto* out = static_cast<char*>(to);
  auto* in = static_cast<const char*>(from);
  if (out <= in || out >= in + size) return memcpy(to, from, size);
  while (size-- > 0) out[size] = *Hidden(in + size);
  return to;
}

void* memset(void* to, int byte, std::size_t size) {
#if defined(__x86_64__)
  void* out = to;
  asm volatile("rep stosb" : "+D"(out), "+c"(size) : "a"(byte) : "memory");
#else
  auto* out = static_cast<char*>(to);
  while (size-- > 0) *Hidden(out++) = static_cast<char>(byte);
#endif
  return to;
}

int memcmp(const void* one, const void* other, std::size_t size) {
  auto* a = static_cast<const unsigned char*>(one);
  auto* b = static_cast<const unsigned char*>(other);
  for (; size > 0; size--, a++, b++) {
    if (*Hidden(a) != *b) return *a - *b;
  }
  return 0;
}

std::size_t strlen(const char* text) {
  const char* end = text;
  while (*Hidden(end) != '\0') end++;
  return static_cast<std::size_t>(end - text);
}

int strncmp(const char* a, const char* b, std::size_t size) {
  for (; size > 0; size--, a++, b++) {
    if (*a != *b) return static_cast<unsigned char>(*a) - static_cast<unsigned char>(*b);
    if (*a == '\0') break;
  }
  return 0;
}

int strcmp(const char* a, const char* b) { return strncmp(a, b, static_cast<std::size_t>(-1)); }

char* strchr(const char* text, int byte) {
  for (;; text++) {
    if (*Hidden(text) == static_cast<char>(byte)) return const_cast<char*>(text);
    if (*text == '\0') return nullptr;
  }
}

char* strrchr(const char* text, int byte) {
  const char* last = nullptr;
  for (;; text++) {
    if (*Hidden(text) == static_cast<char>(byte)) last = text;
    if (*text == '\0') return const_cast<char*>(last);
  }
}

std::size_t strcspn(const char* text, const char* stop) {
  std::size_t length = 0;
  while (text[length] != '\0' && strchr(stop, text[length]) == nullptr) length++;
  return length;
}

std::size_t strspn(const char* text, const char* accepted) {
  std::size_t length = 0;
  while (text[length] != '\0' && strchr(accepted, text[length]) != nullptr) length++;
  return length;
}

char* strstr(const char* text, const char* wanted) {
  const std::size_t length = strlen(wanted);
  for (;; text++) {
    if (strncmp(text, wanted, length) == 0) return const_cast<char*>(text);
    if (*text == '\0') return nullptr;
  }
}

}  // extern "C"
