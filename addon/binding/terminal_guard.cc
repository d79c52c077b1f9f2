#include "binding/terminal_guard.h"

#include <signal.h>
#include <unistd.h>

#include <cerrno>

namespace runtime_ts {
namespace {

constexpr int kCrashes[] = {SIGSEGV, SIGBUS, SIGILL, SIGFPE, SIGABRT};
termios settings_before;
struct sigaction actions_before[65];

// Calls only what signal-safety(7) allows: tcsetattr, sigaction, raise.
void OnCrash(int signal, siginfo_t* info, void* /*context*/) {
  const int saved = errno;
  struct sigaction next = actions_before[signal];
  if (signal == SIGABRT && info->si_pid != getpid()) {
    next.sa_handler(signal);  // someone means the container: SignalPipe passes it on
  } else {
    tcsetattr(STDIN_FILENO, TCSANOW, &settings_before);
    if (signal == SIGABRT) next.sa_handler = SIG_DFL;  // abort(3): not for the container
    sigaction(signal, &next, nullptr);
    // A fault comes back by itself when its instruction is run again; what was sent must be sent again. Blocked until
    // we return, it then reaches the engine's handler, which reports the crash.
    if (info->si_code <= 0) raise(signal);
  }
  errno = saved;
}

}  // namespace

void ArmTerminalGuard(const termios& settings) {
  settings_before = settings;
  struct sigaction action {};
  action.sa_sigaction = OnCrash;
  action.sa_flags = SA_SIGINFO | SA_ONSTACK | SA_RESTART;
  sigfillset(&action.sa_mask);  // SIGTTOU too, which would stop us in the background
  for (const int signal : kCrashes) {
    sigaction(signal, nullptr, &actions_before[signal]);
    if (actions_before[signal].sa_handler != SIG_IGN) sigaction(signal, &action, nullptr);
  }
}

void DisarmTerminalGuard() {
  for (const int signal : kCrashes) sigaction(signal, &actions_before[signal], nullptr);
}

}  // namespace runtime_ts
