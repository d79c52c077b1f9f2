// The verb of the foreground: one loop from the start of the container's process to its end.
#include <poll.h>
#include <signal.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <optional>

#include "binding/held_signals.h"
#include "binding/notify_proxy.h"
#include "binding/terminal_relay.h"
#include "binding/verb.h"
#include "binding/verbs.h"
#include "binding/wait.h"
#include "common/unique_fd.h"

namespace runtime_ts {
namespace {

class Foreground {
 public:
  Foreground(pid_t pid, int pidfd, bool subreaper)
      : pid_(pid), pidfd_(pidfd), subreaper_(subreaper), held_(HeldSignalsFd() >= 0), signals_(TakeHeldSignals()) {}
  Foreground(const Foreground&) = delete;
  Foreground& operator=(const Foreground&) = delete;
  ~Foreground() {
    relay_.reset();  // the terminal's settings first, while nothing can end us
    if (held_) GiveBackHeldSignals(std::move(signals_));
  }

  void Notify(int socket, std::string target) { notify_.emplace(socket, std::move(target), pid_); }

  Failure Run(int terminal, int* status) {
    // Before the terminal turns raw: from here on nothing but SIGKILL ends us without its settings restored.
    if (Failure failure = signals_->Open(subreaper_)) return failure;
    if (terminal >= 0) relay_.emplace().Open(terminal);
    ReapOrphans();  // who ended before the handler was there
    TakeSignals();  // that came before the program ran
    while (!status_ || !IsOutputComplete()) {
      if (Failure failure = Step()) return failure;
    }
    *status = *status_;
    return {};
  }

 private:
  static constexpr nfds_t kFixed = 3;
  static constexpr nfds_t kRelay = 4;

  Failure Step() {
    const bool listening = notify_ && !notify_->done();
    pollfd fds[kFixed + kRelay] = {{status_ ? -1 : pidfd_, POLLIN, 0},
                                   {signals_->fd(), POLLIN, 0},
                                   {listening ? notify_->socket() : -1, POLLIN, 0}};
    const nfds_t relayed = relay_ ? relay_->Prepare(fds + kFixed) : 0;
    const int ready = PollUntil(fds, kFixed + relayed, Deadline::After(Patience()));
    if (ready == -1) return Failed("poll");
    quiet_ = ready == 0;
    if (fds[1].revents != 0) TakeSignals();
    if (relay_) relay_->Run(fds + kFixed, relayed);
    if (fds[2].revents != 0) RelayNotify();
    if (fds[0].revents != 0 && !status_) return TakeStatus();
    return {};
  }

  // After the end of the process only what is already there is of interest: some other process may keep the slave of
  // the terminal open for ever. But what was read must be written, however slow the reader is.
  [[nodiscard]] int Patience() const { return status_ && relay_ && !relay_->HasOutput() ? 0 : -1; }

  // poll(2) looks into the pty's buffers itself (n_tty_poll flushes them), so one that finds nothing after the end of
  // the process proves that nothing is on its way.
  [[nodiscard]] bool IsOutputComplete() const {
    return !relay_ || abandoned_ || relay_->IsDrained() || (quiet_ && !relay_->HasOutput());
  }

  void TakeSignals() {
    while (const int signal = signals_->Next()) {
      if (signal == SIGCHLD) {
        ReapOrphans();
      } else if (signal == SIGWINCH && relay_) {
        relay_->Resize();
      } else if (status_) {
        abandoned_ = true;  // the container is gone, the signal means us: stop waiting for a reader of its last words
      } else {
        // ESRCH: it has ended and poll will say so.
        syscall(SYS_pidfd_send_signal, pidfd_, signal, nullptr, 0);
      }
    }
  }

  // Processes that lost their parent inside the container come to us when we are the subreaper. The container's own
  // first process is left to TakeStatus.
  void ReapOrphans() {
    if (!subreaper_) return;
    for (;;) {
      siginfo_t ended{};
      if (waitid(P_ALL, 0, &ended, WEXITED | WNOHANG | WNOWAIT) == -1 || ended.si_pid == 0) return;
      if (ended.si_pid == pid_ && !status_) {
        // It heads the list of the ended until it is reaped.
        if (TakeStatus()) return;
        continue;
      }
      waitpid(ended.si_pid, nullptr, WNOHANG);
    }
  }

  void RelayNotify() {
    // Readiness that can't be passed on (the caller's socket is gone) is no reason to end the container.
    if (notify_->Relay()) notify_.reset();
  }

  Failure TakeStatus() {
    siginfo_t ended{};
    if (RetryOnEintr([&] { return waitid(P_PIDFD, static_cast<id_t>(pidfd_), &ended, WEXITED); }) == -1) {
      return Failed("waitid");
    }
    status_ = ExitStatus(ended);
    quiet_ = false;
    if (relay_) relay_->CloseInput();
    return {};
  }

  pid_t pid_;
  int pidfd_;
  bool subreaper_;
  bool quiet_ = false;
  bool abandoned_ = false;
  std::optional<int> status_;
  std::optional<NotifyProxy> notify_;
  bool held_;
  std::unique_ptr<SignalPipe> signals_;
  std::optional<TerminalRelay> relay_;
};

}  // namespace

Napi::Value Supervise(const Napi::CallbackInfo& info) {
  const Options options(info);
  Foreground foreground(options.Integer("pid"), options.Integer("pidfd"), options.Flag("subreaper"));
  if (options.Has("notify")) {
    const auto notify = options.Get("notify").As<Napi::Object>();
    foreground.Notify(notify.Get("fd").ToNumber().Int32Value(), notify.Get("target").ToString().Utf8Value());
  }
  int status = -1;
  if (const Failure failure = foreground.Run(options.Integer("terminal", -1), &status)) {
    return Throw(info.Env(), failure);
  }
  return Napi::Number::New(info.Env(), status);
}

}  // namespace runtime_ts
