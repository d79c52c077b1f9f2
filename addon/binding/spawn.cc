#include "binding/spawn.h"

#include <fcntl.h>
#include <linux/close_range.h>
#include <sched.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include <cstdint>
#include <vector>

#include "binding/child_stack.h"

namespace runtime_ts {
namespace {

// Shared with the child, which runs in our memory (CLONE_VM) while our thread waits (CLONE_VFORK): a failure needs no
// pipe to come back.
struct Child {
  SpawnRequest request;
  const char* failed_call = nullptr;
  int failed_number = 0;
};

// Everything from here to exec runs beside the other threads of the engine, which may hold the locks of malloc and
// stdio: plain system calls only.

[[noreturn]] void Fail(Child* child, const char* call) {
  child->failed_call = call;
  child->failed_number = errno;
  _exit(127);
}

// All of them, because an ignored signal stays ignored over exec: engines ignore SIGPIPE and SIGXFSZ for themselves.
// By the raw call, because sigaction(3) refuses the two that glibc keeps for itself.
void ResetSignalDispositions() {
  struct {
    void (*handler)(int);
    unsigned long flags;
    void (*restorer)();
    std::uint64_t mask;
  } standard{};
  for (int signal = 1; signal <= 64; signal++) {
    syscall(SYS_rt_sigaction, signal, &standard, nullptr, sizeof standard.mask);
  }
  const std::uint64_t none = 0;
  syscall(SYS_rt_sigprocmask, SIG_SETMASK, &none, nullptr, sizeof none);
}

void PlaceDescriptors(Child* child) {
  const SpawnRequest& request = child->request;
  for (int fd = 0; fd < 3; fd++) {
    if (request.standard[fd] >= 0 && dup2(request.standard[fd], fd) == -1) Fail(child, "dup2");
  }
  int first_unnamed = 3 + request.preserve;
  if (request.extra >= 0) {
    if (dup2(request.extra, first_unnamed) == -1) Fail(child, "dup2");
    first_unnamed++;
  }
  for (int i = 0; i < request.more_count; i++) {
    if (dup2(request.more[i], first_unnamed) == -1) Fail(child, "dup2");
    first_unnamed++;
  }
  // Node marks all that it inherits close-on-exec, bun all from 4 on, and /dev/null where a standard stream was closed.
  for (int fd = 0; fd < 3 + request.preserve; fd++) fcntl(fd, F_SETFD, 0);
  // Close-on-exec rather than closed: the image is among them.
  if (syscall(SYS_close_range, first_unnamed, ~0U, CLOSE_RANGE_CLOEXEC) == -1) Fail(child, "close_range");
}

int RunChild(void* argument) {
  auto* child = static_cast<Child*>(argument);
  const SpawnRequest& request = child->request;
  ResetSignalDispositions();
  if (request.session) setsid();
  PlaceDescriptors(child);
  if (request.directory != nullptr && chdir(request.directory) == -1) Fail(child, "chdir");
  if (request.path != nullptr) {
    execve(request.path, request.argv, request.envp);
    Fail(child, "exec");
  }
  syscall(SYS_execveat, request.image, "", request.argv, request.envp, AT_EMPTY_PATH);
  Fail(child, "execveat");
}

// With SIGCHLD ignored (some callers leave it so, and it survives their exec of us) the kernel reaps our children and
// their statuses are lost.
void KeepChildren() {
  struct sigaction current {};
  if (sigaction(SIGCHLD, nullptr, &current) == 0 && current.sa_handler == SIG_IGN) signal(SIGCHLD, SIG_DFL);
}

// The child's copy must be out of the way of the numbers that it places.
Failure MoveUp(int* fd, int above, UniqueFd* owner) {
  if (*fd < 0 || *fd > above) return {};
  owner->reset(fcntl(*fd, F_DUPFD_CLOEXEC, above + 1));
  if (!*owner) return Failed("fcntl", "F_DUPFD_CLOEXEC");
  *fd = owner->get();
  return {};
}

}  // namespace

Failure Spawn(const SpawnRequest& request, Spawned* spawned) {
  Child child;
  child.request = request;
  const int above = 3 + request.preserve + request.more_count;
  std::vector<UniqueFd> others(static_cast<std::size_t>(request.more_count));
  std::vector<int> more(request.more, request.more + request.more_count);
  for (std::size_t i = 0; i < others.size(); i++) {
    if (Failure failure = MoveUp(&more[i], above, &others[i])) return failure;
  }
  child.request.more = more.data();
  UniqueFd moved[5];
  for (int i = 0; i < 3; i++) {
    if (Failure failure = MoveUp(&child.request.standard[i], above, &moved[i])) return failure;
  }
  if (Failure failure = MoveUp(&child.request.extra, above, &moved[3])) return failure;
  if (Failure failure = MoveUp(&child.request.image, above, &moved[4])) return failure;

  const ChildStack stack;
  if (!stack) return Failed("mmap");
  KeepChildren();

  // No handler of the engine may run in the child, on memory that both share.
  sigset_t all;
  sigset_t before;
  sigfillset(&all);
  pthread_sigmask(SIG_SETMASK, &all, &before);
  int pidfd = -1;
  const int pid = clone(RunChild, stack.Top(), CLONE_VM | CLONE_VFORK | CLONE_PIDFD | SIGCHLD, &child, &pidfd);
  const int clone_errno = errno;
  pthread_sigmask(SIG_SETMASK, &before, nullptr);

  if (pid == -1) return {"clone", clone_errno, {}};
  spawned->pid = pid;
  spawned->pidfd.reset(pidfd);
  if (child.failed_call == nullptr) return {};
  RetryOnEintr([&] { return waitpid(pid, nullptr, 0); });
  return {child.failed_call, child.failed_number, {}};
}

}  // namespace runtime_ts
