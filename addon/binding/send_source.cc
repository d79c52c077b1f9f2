// The verb that opens a host path inside the mount namespace of a container in the making.
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <string>

#include "binding/child_stack.h"
#include "binding/failure.h"
#include "binding/verb.h"
#include "binding/verbs.h"
#include "common/frame.h"

namespace runtime_ts {
namespace {

// Shared with the child, which runs in our memory (CLONE_VM) and on our descriptors (CLONE_FILES) while this thread
// waits (CLONE_VFORK).
struct Opening {
  int mount_namespace;
  const char* path;
  int fd = -1;
  int number = 0;
};

// Plain system calls only, beside the other threads of the engine. It enters the namespace in our stead, sees the
// host's files through it and ends: nothing of the container runs yet but the init.
int OpenThere(void* argument) {
  auto* opening = static_cast<Opening*>(argument);
  if (setns(opening->mount_namespace, CLONE_NEWNS) == -1) {
    opening->number = EACCES;
    _exit(1);
  }
  // host path: from config.json, in a copy of the host's mounts, before the root changes
  opening->fd = open(opening->path, O_PATH | O_CLOEXEC);
  if (opening->fd == -1) opening->number = errno;
  _exit(0);
}

Failure OpenIn(int mount_namespace, const std::string& path, UniqueFd* opened) {
  Opening opening{mount_namespace, path.c_str()};
  const ChildStack stack;
  if (!stack) return Failed("mmap");
  // No handler of the engine may run in the child, on memory that both share.
  sigset_t all;
  sigset_t before;
  sigfillset(&all);
  pthread_sigmask(SIG_SETMASK, &all, &before);
  // No exit signal: the engine has handlers for SIGCHLD, and this is none of its children.
  const int pid = clone(OpenThere, stack.Top(), CLONE_VM | CLONE_VFORK | CLONE_FILES, &opening);
  const int number = errno;
  pthread_sigmask(SIG_SETMASK, &before, nullptr);
  if (pid == -1) return {"clone", number, path};
  RetryOnEintr([&] { return waitpid(pid, nullptr, __WALL); });
  opened->reset(opening.fd);
  return *opened ? Failure{} : Failure{"open", opening.number, path};
}

}  // namespace

Napi::Value SendSource(const Napi::CallbackInfo& info) {
  const Napi::Env env = info.Env();
  const Options options(info);
  const std::string path = options.Path("path");
  const std::string link = "/proc/" + std::to_string(options.Integer("pid")) + "/ns/mnt";
  const UniqueFd mount_namespace(open(link.c_str(), O_RDONLY | O_CLOEXEC));
  if (!mount_namespace) return Throw(env, {"open", EACCES, path});
  UniqueFd opened;
  if (const Failure failure = OpenIn(mount_namespace.get(), path, &opened)) return Throw(env, failure);
  const int fd = opened.get();
  if (WriteFrame(options.Integer("channel"), Frame::kSource, {}, &fd, 1)) return env.Undefined();
  return Throw(env, Failed("sendmsg", "source to the init"));
}

}  // namespace runtime_ts
