// Waiting with a deadline, and what came of a process.
#pragma once

#include <poll.h>
#include <signal.h>
#include <sys/wait.h>

#include <cerrno>
#include <cstdint>
#include <ctime>

namespace runtime_ts {

inline std::int64_t MonotonicNanoseconds() {
  timespec now{};
  clock_gettime(CLOCK_MONOTONIC, &now);
  return static_cast<std::int64_t>(now.tv_sec) * 1'000'000'000 + now.tv_nsec;
}

// A point in time, or never.
class Deadline {
 public:
  // Negative: never.
  static Deadline After(int milliseconds) {
    Deadline deadline;
    if (milliseconds >= 0) deadline.at_ = MonotonicNanoseconds() + std::int64_t{milliseconds} * 1'000'000;
    return deadline;
  }

  // What poll(2) takes. Rounded up, so that a wait never ends before its time.
  [[nodiscard]] int Milliseconds() const {
    if (at_ < 0) return -1;
    const std::int64_t left = at_ - MonotonicNanoseconds();
    return left <= 0 ? 0 : static_cast<int>((left + 999'999) / 1'000'000);
  }

 private:
  std::int64_t at_ = -1;
};

// poll(2) that goes on with the time that is left after a signal.
inline int PollUntil(pollfd* fds, nfds_t count, Deadline deadline) {
  int ready = -1;
  do {
    ready = poll(fds, count, deadline.Milliseconds());
  } while (ready == -1 && errno == EINTR);
  return ready;
}

// The exit status as shells and runc give it: the code, or 128 and the number of the signal.
inline int ExitStatus(const siginfo_t& ended) {
  return ended.si_code == CLD_EXITED ? ended.si_status : 128 + ended.si_status;
}

}  // namespace runtime_ts
