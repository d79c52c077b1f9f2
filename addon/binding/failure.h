// What a failed call on the host side says about itself. (The init has its own: it reports step by step.)
#pragma once

#include <cerrno>
#include <string>
#include <utility>

namespace runtime_ts {

struct [[nodiscard]] Failure {
  const char* syscall = nullptr;
  int number = 0;
  std::string detail;

  explicit operator bool() const { return syscall != nullptr; }
};

// The failure that errno speaks of.
inline Failure Failed(const char* syscall, std::string detail = {}) { return {syscall, errno, std::move(detail)}; }

}  // namespace runtime_ts
