// container.join, container.enter: how `exec` gets into a container that runs.
//
// All that is of the host is opened first, then one setns(2) on the pidfd of the container's first process takes all of
// its namespaces at once (Linux 5.8): of one and the same process, whatever becomes of its number meanwhile, and with
// the rights of the caller for every one of them, so that no order has to be found. The clone between the two steps is
// for the pid namespace, which takes in only children.
#include <fcntl.h>
#include <linux/openat2.h>
#include <sched.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <cstring>

#include "steps/namespace_flags.h"
#include "steps/proc.h"
#include "steps/steps.h"

namespace runtime_ts {
namespace {

// Field of the start time in proc_pid_stat(5), from 1.
constexpr int kStartTime = 22;

struct NamespaceFile {
  const char* name;
  int flag;
};

constexpr NamespaceFile kNamespaces[] = {
    {"ns/user", CLONE_NEWUSER}, {"ns/mnt", CLONE_NEWNS},  {"ns/pid", CLONE_NEWPID},       {"ns/net", CLONE_NEWNET},
    {"ns/ipc", CLONE_NEWIPC},   {"ns/uts", CLONE_NEWUTS}, {"ns/cgroup", CLONE_NEWCGROUP}, {"ns/time", CLONE_NEWTIME},
};

Status Gone(const char* call) { return Status::Make(call, ESRCH, "container init"); }

// ENOENT, ESRCH: what /proc says of a process that has ended.
Status ProcessError(const char* call, const char* name) {
  return errno == ENOENT || errno == ESRCH ? Gone(call) : Status::Errno(call, name);
}

UniqueFd OpenBelow(int directory, const char* path, std::uint64_t flags) {
  return OpenAt2(directory, path, flags, RESOLVE_BENEATH | RESOLVE_NO_XDEV | RESOLVE_NO_MAGICLINKS);
}

// A number that was given to another process has another start time.
Status CheckStartTime(int process, const char* expected) {
  const UniqueFd file = OpenBelow(process, "stat", O_RDONLY);
  char line[1024];
  const ssize_t size = file ? read(file.get(), line, sizeof line - 1) : -1;
  if (size < 0) return ProcessError("openat2", "stat");
  line[size] = '\0';
  // The name before it is in parentheses, and may have some in it.
  const char* field = strrchr(line, ')');
  for (int index = 2; field != nullptr && index < kStartTime; index++) {
    field = strchr(field, ' ');
    if (field != nullptr) field++;
  }
  if (field == nullptr) return Status::Make("read", EPROTO, "/proc/PID/stat");
  return strtoull(field, nullptr, 10) == strtoull(expected, nullptr, 10) ? Status::Ok() : Gone("read");
}

// Those that the container does not share with us. To enter the others is forbidden (one's own user namespace) or takes
// rights that nobody needs (the host's network, for a caller who is not root).
Status FindForeign(int own, int process, int* flags) {
  for (const NamespaceFile& entry : kNamespaces) {
    struct stat ours {};
    struct stat theirs {};
    // A kernel without namespaces of this kind.
    if (fstatat(own, entry.name, &ours, 0) < 0) continue;
    if (fstatat(process, entry.name, &theirs, 0) < 0) return ProcessError("fstatat", entry.name);
    if (ours.st_ino != theirs.st_ino || ours.st_dev != theirs.st_dev) *flags |= entry.flag;
  }
  return Status::Ok();
}

// The files through which the clone, or the new process itself, gets into the cgroups.
Status OpenCgroups(JoinedContainer& joined, const JsonValue& step) {
  joined.directories = JsonMember(step, "tasks");
  if (joined.directories == nullptr || !joined.directories->IsArray() ||
      joined.directories->Size() > JoinedContainer::kMaxHierarchies)
    return Status::Make("plan", EPROTO, "tasks");
  int count = 0;
  for (const JsonValue& directory : joined.directories->GetArray()) {
    char path[4096];
    if (snprintf(path, sizeof path, "%s/tasks", directory.GetString()) >= static_cast<int>(sizeof path))
      return Status::Make("open", ENAMETOOLONG, directory.GetString());
    // host path: cgroupfs
    joined.tasks[count] = UniqueFd(open(path, O_WRONLY | O_CLOEXEC));
    if (!joined.tasks[count]) return Status::Errno("open", directory.GetString());
    count++;
  }
  const char* unified = JsonString(step, "cgroup");
  if (unified == nullptr) return Status::Ok();
  // host path: cgroupfs
  joined.cgroup = UniqueFd(open(unified, O_PATH | O_DIRECTORY | O_CLOEXEC));
  return joined.cgroup ? Status::Ok() : Status::Errno("open", unified);
}

}  // namespace

Status steps::JoinContainer(Context& context, const JsonValue& step) {
  JoinedContainer& joined = context.joined;
  RETURN_IF_FAILED(HideFromContainer());
  const int pid = static_cast<int>(JsonInteger(step, "pid"));
  const UniqueFd pidfd(static_cast<int>(syscall(SYS_pidfd_open, pid, 0)));
  // EINVAL: a number that goes on as the name of a session.
  if (!pidfd) return errno == EINVAL ? Gone("pidfd_open") : ProcessError("pidfd_open", "container init");
  UniqueFd proc = OpenHostProc();
  if (!proc) return Status::Errno("open", "/proc");
  char name[16];
  snprintf(name, sizeof name, "%d", pid);
  const UniqueFd process = OpenBelow(proc.get(), name, O_PATH | O_DIRECTORY);
  if (!process) return ProcessError("openat2", "/proc/PID");
  const UniqueFd own = OpenBelow(proc.get(), "self", O_PATH | O_DIRECTORY);
  if (!own) return Status::Errno("openat2", "/proc/self");
  RETURN_IF_FAILED(CheckStartTime(process.get(), JsonString(step, "startTime", "")));

  RETURN_IF_FAILED(OpenCgroups(joined, step));
  if (const char* root = JsonString(step, "root"); root != nullptr) {
    // host path: the rootfs of a container that has no mount namespace
    joined.root = UniqueFd(open(root, O_PATH | O_DIRECTORY | O_CLOEXEC));
    if (!joined.root) return Status::Errno("open", root);
  }

  int flags = 0;
  RETURN_IF_FAILED(FindForeign(own.get(), process.get(), &flags));
  if (joined.cgroup && (flags & CLONE_NEWCGROUP) != 0) {
    // host path: below the verified /proc; a magic link, which openat2 would not follow
    joined.cgroup_namespace = UniqueFd(openat(process.get(), "ns/cgroup", O_RDONLY | O_CLOEXEC));
    if (!joined.cgroup_namespace) return ProcessError("openat", "ns/cgroup");
    flags &= ~CLONE_NEWCGROUP;
  }
  if (joined.cgroup && (flags & CLONE_NEWUSER) != 0) {
    // host path: cgroupfs. Not for everyone to write to: clone says so then.
    joined.procs = UniqueFd(openat(joined.cgroup.get(), "cgroup.procs", O_WRONLY | O_CLOEXEC));
  }
  if (flags != 0 && setns(pidfd.get(), flags) < 0) return errno == ESRCH ? Gone("setns") : Status::Errno("setns");
  joined.user_namespace = (flags & CLONE_NEWUSER) != 0;
  // The host's, for labels: our own directory in it is what no mount of the container can cover.
  context.proc = std::move(proc);
  // New credentials may have made us dumpable again (fs.suid_dumpable).
  return HideFromContainer();
}

Status steps::EnterContainer(Context& context, const JsonValue& step) {
  JoinedContainer& joined = context.joined;
  for (unsigned i = 0; i < joined.directories->Size(); i++) {
    // 0 is the thread that writes; see cgroup.join for why it is `tasks`.
    if (write(joined.tasks[i].get(), "0", 1) < 0) return Status::Errno("write", JsonText((*joined.directories)[i]));
    joined.tasks[i].reset();
  }
  if (joined.cgroup_namespace && setns(joined.cgroup_namespace.get(), CLONE_NEWCGROUP) < 0)
    return Status::Errno("setns", "cgroup");
  joined.cgroup_namespace.reset();
  joined.cgroup.reset();
  if (joined.user_namespace) {
    // Only now: to clone into the cgroup took the rights of its owner on the host.
    RETURN_IF_FAILED(BecomeRoot(step));
    RETURN_IF_FAILED(HideFromContainer());
    context.in_user_namespace = true;
  }
  if (joined.root) {
    if (fchdir(joined.root.get()) < 0) return Status::Errno("fchdir", "/");
    // host path: the working directory, which is the rootfs
    if (chroot(".") < 0) return Status::Errno("chroot", "/");
    joined.root.reset();
  }
  // host path: no longer, / is the container's by now
  UniqueFd root(open("/", O_PATH | O_DIRECTORY | O_CLOEXEC));
  if (!root) return Status::Errno("open", "/");
  context.rootfs = Rootfs(std::move(root));
  return Status::Ok();
}

}  // namespace runtime_ts
