#include "binding/user_namespace.h"

#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "binding/child_stack.h"
#include "binding/file_content.h"

namespace runtime_ts {
namespace {

// The only member of the new namespace while its maps are written. It runs in our memory, beside our threads: plain
// system calls only, no errno that anybody would read.
int Pause(void*) {
  syscall(SYS_prctl, PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0);
  for (;;) syscall(SYS_ppoll, nullptr, 0, nullptr, nullptr, 0);
}

class Member {
 public:
  Member() = default;
  Member(const Member&) = delete;
  Member& operator=(const Member&) = delete;
  ~Member() {
    if (pid_ == -1) return;
    kill(pid_, SIGKILL);
    RetryOnEintr([&] { return waitpid(pid_, nullptr, __WALL); });
  }

  Failure Start() {
    if (!stack_) return Failed("mmap");
    // No handler of the engine may run in the child, on memory that both share. Blocked for good: only SIGKILL ends it.
    sigset_t all;
    sigset_t before;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    // No exit signal: the engine has handlers for SIGCHLD, and this is none of its children.
    pid_ = clone(Pause, stack_.Top(), CLONE_VM | CLONE_NEWUSER, nullptr);
    const int number = errno;
    pthread_sigmask(SIG_SETMASK, &before, nullptr);
    if (pid_ == -1) return {"clone", number, "user namespace for an id-mapped mount"};
    return {};
  }

  [[nodiscard]] pid_t pid() const { return pid_; }

 private:
  ChildStack stack_;
  pid_t pid_ = -1;
};

}  // namespace

Failure OpenUserNamespace(pid_t pid, UniqueFd* found) {
  const std::string path = "/proc/" + std::to_string(pid) + "/ns/user";
  found->reset(open(path.c_str(), O_RDONLY | O_CLOEXEC));
  return *found ? Failure{} : Failed("open", path);
}

Failure MakeUserNamespace(const std::string& uid_map, const std::string& gid_map, UniqueFd* made) {
  Member member;
  if (Failure failure = member.Start()) return failure;
  const std::string process = "/proc/" + std::to_string(member.pid());
  if (Failure failure = WriteOnce(process + "/uid_map", uid_map)) return failure;
  if (Failure failure = WriteOnce(process + "/gid_map", gid_map)) return failure;
  return OpenUserNamespace(member.pid(), made);
}

}  // namespace runtime_ts
