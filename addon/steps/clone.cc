// clone: from here on there is a container.
#include <fcntl.h>
#include <linux/sched.h>
#include <sched.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>

#include "steps/namespace_flags.h"
#include "steps/steps.h"

namespace runtime_ts {
namespace {

// The parent's last act. CLONE_PARENT made the new process the engine's child, not ours.
[[noreturn]] void HandOver(Channel& channel, long pid, int pidfd) {
  char text[24];
  const int length = snprintf(text, sizeof text, "%ld", pid);
  const Status sent = channel.Send(Frame::kPid, {text, static_cast<std::size_t>(length)}, pidfd);
  _exit(sent.ok() ? 0 : 1);
}

}  // namespace

Status steps::Clone(Context& context, const JsonValue& step) {
  RETURN_IF_FAILED(HideFromContainer());

  int pipe_ends[2];
  if (pipe2(pipe_ends, O_CLOEXEC) < 0) return Status::Errno("pipe2");
  UniqueFd barrier(pipe_ends[0]);
  UniqueFd holder(pipe_ends[1]);

  // One call for all namespaces: the new user namespace owns the others. CLONE_PARENT takes the exit signal of this
  // stage, so exit_signal stays 0 (the kernel insists).
  int pidfd = -1;
  clone_args arguments{};
  arguments.flags = CLONE_PARENT | CLONE_PIDFD;
  arguments.pidfd = reinterpret_cast<std::uintptr_t>(&pidfd);
  bool user_namespace = false;
  JsonForEach(step, "namespaces", [&](const JsonValue& type) {
    const int flag = NamespaceFlag(JsonText(type));
    user_namespace = user_namespace || flag == CLONE_NEWUSER;
    arguments.flags |= static_cast<unsigned>(flag);
  });

  // exec has opened it, since where we are now the path leads nowhere.
  UniqueFd cgroup = std::move(context.joined.cgroup);
  if (const char* path = JsonString(step, "cgroup"); path != nullptr && !cgroup) {
    // host path: cgroupfs
    cgroup = UniqueFd(open(path, O_PATH | O_DIRECTORY | O_CLOEXEC));
    if (!cgroup) return Status::Errno("open", path);
  }
  if (cgroup) {
    arguments.flags |= CLONE_INTO_CGROUP;
    arguments.cgroup = static_cast<unsigned>(cgroup.get());
  }

  const UniqueFd procs = std::move(context.joined.procs);
  long pid = syscall(SYS_clone3, &arguments, sizeof arguments);
  if (pid < 0 && errno == EACCES && procs) {
    // A cgroup that was given to the container's root (cgroup v2 mounted writable in a user namespace) has an owner
    // whom exec is not, and a group that the user namespace doesn't map, so that no capability in there helps either. A
    // write counts with the rights that there were when the file was opened (Linux 5.16, CVE-2021-4197, and its
    // backports).
    if (write(procs.get(), "0", 1) < 0) return Status::Errno("write", "cgroup.procs");
    arguments.flags &= ~static_cast<decltype(arguments.flags)>(CLONE_INTO_CGROUP);
    pid = syscall(SYS_clone3, &arguments, sizeof arguments);
  }
  if (pid < 0) return Status::Errno("clone3");
  if (pid > 0) HandOver(context.channel, pid, pidfd);

  holder.reset();
  context.channel.SendAfter(std::move(barrier));
  context.in_user_namespace = context.in_user_namespace || user_namespace;
  // Its own session: no controlling terminal of the engine, no job-control signals from there.
  if (setsid() < 0) return Status::Errno("setsid");
  return Status::Ok();
}

}  // namespace runtime_ts
