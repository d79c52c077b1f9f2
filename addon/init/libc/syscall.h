// System calls without a C library.
//
// A static glibc is 680 KiB, which is copied into a memfd for every container, held by every created one, and takes
// 0.7 ms to start; the init uses some sixty functions of it, nearly all of them bare system calls. This folder has
// those, under their usual names and with glibc's declarations, so that the same sources also build against a whole
// libc (tests and sanitizers do). What is missing here fails to link.
#pragma once

#include <cerrno>

namespace runtime_ts {

inline long RawCall(long number, long a = 0, long b = 0, long c = 0, long d = 0, long e = 0, long f = 0) {
#if defined(__x86_64__)
  long result = number;
  register long r10 asm("r10") = d;
  register long r8 asm("r8") = e;
  register long r9 asm("r9") = f;
  asm volatile("syscall" : "+a"(result) : "D"(a), "S"(b), "d"(c), "r"(r10), "r"(r8), "r"(r9) : "rcx", "r11", "memory");
  return result;
#elif defined(__aarch64__)
  register long x8 asm("x8") = number;
  register long x0 asm("x0") = a;
  register long x1 asm("x1") = b;
  register long x2 asm("x2") = c;
  register long x3 asm("x3") = d;
  register long x4 asm("x4") = e;
  register long x5 asm("x5") = f;
  asm volatile("svc #0" : "+r"(x0) : "r"(x8), "r"(x1), "r"(x2), "r"(x3), "r"(x4), "r"(x5) : "memory");
  return x0;
#endif
}

template <typename T>
long Word(T value) {
  if constexpr (__is_same(T, decltype(nullptr))) {
    return 0;
  } else {
    return (long)value;  // NOLINT: from pointers and integers alike
  }
}

// The call as C knows it: -1 and errno.
template <typename... Arguments>
long Call(long number, Arguments... arguments) {
  const long result = RawCall(number, Word(arguments)...);
  if (result < 0 && result > -4096) {
    errno = static_cast<int>(-result);
    return -1;
  }
  return result;
}

}  // namespace runtime_ts
