// Signals of this process as bytes on a pipe.
#pragma once

#include <signal.h>

#include <deque>

#include "binding/failure.h"
#include "common/unique_fd.h"

namespace runtime_ts {

// Handlers rather than a signalfd: that needs the signals blocked in every thread, and the engine's threads are not
// ours to change. One at a time. The handlers that were there before come back with the destructor. A process that is
// started meanwhile never sees them: handlers do not survive exec.
class SignalPipe {
 public:
  SignalPipe() = default;
  SignalPipe(const SignalPipe&) = delete;
  SignalPipe& operator=(const SignalPipe&) = delete;
  ~SignalPipe();

  static bool AsksForEnd(int signal) {
    return signal == SIGHUP || signal == SIGINT || signal == SIGQUIT || signal == SIGTERM;
  }

  // The signals that ask a program to end.
  Failure OpenForEnd();
  // Every signal that someone may mean for the container, and SIGCHLD when `children` are of interest. After
  // OpenForEnd, what came since then is still to be read.
  Failure Open(bool children);

  [[nodiscard]] int fd() const { return read_end_.get(); }
  // The next signal that came, or 0; first those that were deferred.
  [[nodiscard]] int Next();
  // The next one of the pipe.
  [[nodiscard]] int Read() const;
  // poll(2) says nothing of it.
  void Defer(int signal) { deferred_.push_back(signal); }

 private:
  static constexpr int kSignals = 65;

  Failure MakePipe();
  void Catch(int signal);

  std::deque<int> deferred_;
  UniqueFd read_end_;
  UniqueFd write_end_;
  bool caught_[kSignals] = {};
  struct sigaction before_[kSignals];
};

}  // namespace runtime_ts
