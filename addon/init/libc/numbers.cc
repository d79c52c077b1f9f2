// Numbers as text: strtol and its unsigned forms, and the part of snprintf that the init uses.
#include <cstdarg>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>

namespace {

int Digit(char character) {
  if (character >= '0' && character <= '9') return character - '0';
  if (character >= 'a' && character <= 'f') return character - 'a' + 10;
  return 16;
}

// Saturates, as the standard says.
std::uint64_t Parse(const char* text, char** end, int base) {
  std::uint64_t value = 0;
  bool overflow = false;
  for (; Digit(*text) < base; text++) {
    overflow = __builtin_mul_overflow(value, static_cast<std::uint64_t>(base), &value) || overflow;
    overflow = __builtin_add_overflow(value, static_cast<std::uint64_t>(Digit(*text)), &value) || overflow;
  }
  if (end != nullptr) *end = const_cast<char*>(text);
  return overflow ? UINT64_MAX : value;
}

class Output {
 public:
  Output(char* into, std::size_t size) : into_(into), size_(size) {}

  void Put(char character) {
    if (length_ + 1 < size_) into_[length_] = character;
    length_++;
  }

  void Text(const char* text, std::size_t length) {
    for (std::size_t i = 0; i < length && text[i] != '\0'; i++) Put(text[i]);
  }

  void Number(std::uint64_t value, bool negative, unsigned base, int width) {
    char digits[24];
    int count = 0;
    do {
      digits[count++] = static_cast<char>('0' + value % base);
      value /= base;
    } while (value > 0);
    if (negative) Put('-');
    for (int i = count; i < width; i++) Put('0');
    while (count > 0) Put(digits[--count]);
  }

  int Finish() {
    if (size_ > 0) into_[length_ < size_ ? length_ : size_ - 1] = '\0';
    return static_cast<int>(length_);
  }

 private:
  char* into_;
  std::size_t size_;
  std::size_t length_ = 0;
};

}  // namespace

extern "C" {

unsigned long strtoul(const char* text, char** end, int base) noexcept { return Parse(text, end, base); }
unsigned long long strtoull(const char* text, char** end, int base) noexcept { return Parse(text, end, base); }
long strtol(const char* text, char** end, int base) noexcept {
  const bool negative = *text == '-';
  const auto value = static_cast<long>(Parse(text + (negative ? 1 : 0), end, base));
  return negative ? -value : value;
}

// NOLINTBEGIN(clang-analyzer-valist.Uninitialized): the analyser does not know the va_start of a function named
// snprintf %s %.*s %c %d %ld %u %lu %o and zero-padded widths. The compiler checks the arguments; a conversion that is
// not here stops the program in the first test that comes by.
int snprintf(char* into, size_t size, const char* format, ...) noexcept {
  va_list arguments;
  va_start(arguments, format);
  Output output(into, size);
  for (; *format != '\0'; format++) {
    if (*format != '%') {
      output.Put(*format);
      continue;
    }
    format++;
    int width = 0;
    for (; *format >= '0' && *format <= '9'; format++) width = width * 10 + (*format - '0');
    std::size_t precision = SIZE_MAX;
    if (format[0] == '.' && format[1] == '*') {
      precision = static_cast<std::size_t>(va_arg(arguments, int));
      format += 2;
    }
    const bool wide = *format == 'l';
    if (wide) format++;
    switch (*format) {
      case 's':
        output.Text(va_arg(arguments, const char*), precision);
        break;
      case 'c':
        output.Put(static_cast<char>(va_arg(arguments, int)));
        break;
      case 'd': {
        const long value = wide ? va_arg(arguments, long) : va_arg(arguments, int);
        output.Number(value < 0 ? -static_cast<std::uint64_t>(value) : static_cast<std::uint64_t>(value), value < 0, 10,
                      width);
        break;
      }
      case 'u':
      case 'o':
        output.Number(wide ? va_arg(arguments, unsigned long) : va_arg(arguments, unsigned), false,
                      *format == 'u' ? 10 : 8, width);
        break;
      default:
        __builtin_trap();
    }
  }
  va_end(arguments);
  return output.Finish();
}
// NOLINTEND(clang-analyzer-valist.Uninitialized)

}  // extern "C"
