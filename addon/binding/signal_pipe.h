// Signals of this process as bytes on a pipe.
#pragma once

#include <signal.h>

#include "binding/failure.h"
#include "common/unique_fd.h"

namespace runtime_ts {

// Handlers rather than a signalfd: that needs the signals blocked in every thread, and the engine's threads are not
// ours to change. One at a time. The handlers that were there before come back with the destructor.
class SignalPipe {
 public:
  SignalPipe() = default;
  SignalPipe(const SignalPipe&) = delete;
  SignalPipe& operator=(const SignalPipe&) = delete;
  ~SignalPipe();

  // Every signal that someone may mean for the container, and SIGCHLD when `children` are of interest.
  Failure Open(bool children);

  [[nodiscard]] int fd() const { return read_end_.get(); }
  // The next signal that came, or 0.
  [[nodiscard]] int Next() const;

 private:
  static constexpr int kSignals = 65;

  void Catch(int signal);

  UniqueFd read_end_;
  UniqueFd write_end_;
  bool caught_[kSignals] = {};
  struct sigaction before_[kSignals];
};

}  // namespace runtime_ts
