// The program that becomes the container's first process: `runtime-ts-init CHANNEL_FD`.
//
// It is started in the host's namespaces with the engine's standard streams, the preserved descriptors and its end of
// the channel, reads one plan and runs it. It decides nothing.
#include <fcntl.h>
#include <signal.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <climits>
#include <cstdlib>
#include <utility>

#include "init/context.h"
#include "init/executor.h"

namespace runtime_ts {
namespace {

// The engine's JavaScript host ignores and blocks signals as it likes; the container's program must not inherit that.
// Done first, because a seccomp filter may forbid it later, and because hooks are to get the same.
void ResetSignals() {
  // struct sigaction as the kernel knows it, all zero: SIG_DFL. By the bare call, since libc keeps 32 and 33 to itself.
  constexpr unsigned long kDefault[4] = {};
  constexpr unsigned long kNone = 0;
  for (int signal = 1; signal <= 64; signal++) syscall(SYS_rt_sigaction, signal, kDefault, nullptr, sizeof kNone);
  syscall(SYS_rt_sigprocmask, SIG_SETMASK, &kNone, nullptr, sizeof kNone);
}

// An engine may be started without standard streams; what we open must not take their places.
bool FillStandardStreams() {
  for (int fd = 0; fd <= 2; fd++) {
    // host path: this process has not left the host yet
    if (fcntl(fd, F_GETFD) < 0 && open("/dev/null", fd == 0 ? O_RDONLY : O_WRONLY) != fd) return false;
  }
  return true;
}

int Main(int argc, char** argv) {
  const long channel = argc == 2 ? strtol(argv[1], nullptr, 10) : 0;
  if (channel < 3 || channel > INT_MAX) return 2;
  if (!FillStandardStreams()) return 2;
  ResetSignals();

  Context context(static_cast<int>(channel));
  fcntl(context.channel.fd(), F_SETFD, FD_CLOEXEC);
  close_range(static_cast<unsigned>(channel) + 1, ~0U, 0);
  context.started_as = geteuid();
  // Everything is created with the mode that the plan says; process.user and hooks get this one back.
  context.caller_umask = umask(0);

  // No step is running yet: report as the first one.
  Message plan;
  Status status = context.channel.Receive(Frame::kPlan, &plan);
  if (status.ok()) status = ParsePlan(context, std::move(plan.payload));
  if (status.ok()) status = RunPlan(context);
  ReportFailure(context);
  return 1;
}

}  // namespace
}  // namespace runtime_ts

// _exit: the failure path must not run destructors that wait, and this may be a clone of a process with stdio buffers.
int main(int argc, char** argv) { _exit(runtime_ts::Main(argc, argv)); }
