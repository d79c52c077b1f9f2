// How the init says what went wrong: which call, which errno, on which object.
#pragma once

#include <cerrno>
#include <string_view>

namespace runtime_ts {

// Room for the last 4 KiB of what a failed hook wrote, with a sentence before it.
constexpr std::size_t kMaxDetail = 4096 + 256;

struct Failure {
  const char* syscall;
  int error;
  char detail[kMaxDetail];
};

// The outcome of a step. The init is single-threaded and its first failure is its last act, so the record itself is
// one static object and a Status is only a yes or no: nothing is allocated on the way to report ENOMEM.
class [[nodiscard]] Status {
 public:
  static Status Ok() { return Status(true); }
  // A call that set errno.
  static Status Errno(const char* syscall, std::string_view detail = {}) { return Make(syscall, errno, detail); }
  static Status Make(const char* syscall, int error, std::string_view detail = {});

  [[nodiscard]] bool ok() const { return ok_; }
  // The record of the last Status that was not ok.
  static const Failure& last();

 private:
  explicit Status(bool ok) : ok_(ok) {}
  bool ok_;
};

}  // namespace runtime_ts

#define RETURN_IF_FAILED(expression)                                                \
  do {                                                                              \
    if (::runtime_ts::Status status_ = (expression); !status_.ok()) return status_; \
  } while (false)
