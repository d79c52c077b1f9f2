#include "binding/signal_pipe.h"

#include <fcntl.h>
#include <unistd.h>

#include <atomic>

namespace runtime_ts {
namespace {

std::atomic<int> signal_write_end{-1};

void PassOn(int signal) {
  const int saved = errno;
  const auto byte = static_cast<unsigned char>(signal);
  // A full pipe (64 KiB of signals that nobody read) loses one, as the kernel does with pending standard signals.
  if (write(signal_write_end.load(std::memory_order_relaxed), &byte, 1) == -1) errno = 0;
  errno = saved;
}

// Signals that stay as they are.
bool IsLeftAlone(int signal) {
  switch (signal) {
    case SIGKILL:
    case SIGSTOP:
      return true;
    // Raised by the kernel for what this process itself does: faults, writes to a closed pipe, too large files, and
    // the use of its terminal from the background.
    case SIGSEGV:
    case SIGBUS:
    case SIGILL:
    case SIGFPE:
    case SIGTRAP:
    case SIGSYS:
    case SIGPIPE:
    case SIGXFSZ:
    case SIGTTIN:
    case SIGTTOU:
      return true;
    case SIGURG:   // runc does not forward it: Go's scheduler sends it to itself
    case SIGPWR:   // JavaScriptCore stops its threads with it
    case SIGCHLD:  // about our own children
      return true;
    default:
      // 32 and 33 belong to glibc's threads.
      return signal == 32 || signal == 33;
  }
}

}  // namespace

void SignalPipe::Catch(int signal) {
  if (caught_[signal]) return;
  struct sigaction action {};
  action.sa_handler = PassOn;
  action.sa_flags = SA_RESTART | SA_ONSTACK;
  sigfillset(&action.sa_mask);
  if (sigaction(signal, nullptr, &before_[signal]) == -1) return;
  // What the caller ignores (nohup) stays ignored.
  if (before_[signal].sa_handler == SIG_IGN && signal != SIGCHLD) return;
  caught_[signal] = sigaction(signal, &action, nullptr) == 0;
}

Failure SignalPipe::MakePipe() {
  if (read_end_) return {};
  int ends[2];
  if (pipe2(ends, O_CLOEXEC | O_NONBLOCK) == -1) return Failed("pipe2");
  read_end_.reset(ends[0]);
  write_end_.reset(ends[1]);
  signal_write_end = ends[1];
  return {};
}

Failure SignalPipe::OpenForEnd() {
  if (Failure failure = MakePipe()) return failure;
  for (int signal = 1; signal < kSignals; signal++) {
    if (AsksForEnd(signal)) Catch(signal);
  }
  return {};
}

Failure SignalPipe::Open(bool children) {
  if (Failure failure = MakePipe()) return failure;
  for (int signal = 1; signal < kSignals; signal++) {
    if (!IsLeftAlone(signal)) Catch(signal);
  }
  if (children) Catch(SIGCHLD);
  return {};
}

SignalPipe::~SignalPipe() {
  for (int signal = 1; signal < kSignals; signal++) {
    if (caught_[signal]) sigaction(signal, &before_[signal], nullptr);
  }
  signal_write_end = -1;
}

int SignalPipe::Next() {
  if (deferred_.empty()) return Read();
  const int signal = deferred_.front();
  deferred_.pop_front();
  return signal;
}

int SignalPipe::Read() const {
  unsigned char byte = 0;
  return RetryOnEintr([&] { return read(read_end_.get(), &byte, 1); }) == 1 ? byte : 0;
}

}  // namespace runtime_ts
