// Writes to procfs: process.oomScoreAdj, sysctl.write, process.attribute.
//
// The container's /proc may be anything: a tmpfs, a symlink, a proc with other files bound over the one we want
// (CVE-2019-16884, CVE-2025-52881). So nothing goes through it. In the first stage the host's /proc is used; later a
// procfs instance of our own, that is attached nowhere.
#include "steps/proc.h"

#include <fcntl.h>
#include <linux/magic.h>
#include <linux/openat2.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>

#include <cstdio>
#include <cstring>

#include "steps/steps.h"

namespace runtime_ts {
namespace {

// PROC_ROOT_INO of the kernel: a directory of procfs that is bound over /proc has another one.
constexpr ino_t kProcRootInode = 1;

bool IsProcRoot(int fd) {
  struct statfs file_system {};
  struct stat attributes {};
  return fstatfs(fd, &file_system) == 0 && file_system.f_type == PROC_SUPER_MAGIC && fstat(fd, &attributes) == 0 &&
         attributes.st_ino == kProcRootInode;
}

UniqueFd MountProc() {
  UniqueFd context(fsopen("proc", FSOPEN_CLOEXEC));
  if (!context || fsconfig(context.get(), FSCONFIG_CMD_CREATE, nullptr, nullptr, 0) < 0) return {};
  return UniqueFd(fsmount(context.get(), FSMOUNT_CLOEXEC, MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV | MOUNT_ATTR_NOEXEC));
}

UniqueFd OpenForWriting(int proc, const char* path) {
  return OpenAt2(proc, path, O_WRONLY | O_NOFOLLOW,
                 RESOLVE_BENEATH | RESOLVE_NO_XDEV | RESOLVE_NO_SYMLINKS | RESOLVE_NO_MAGICLINKS);
}

Status WriteTo(const UniqueFd& file, const char* path, const char* value) {
  // One write: procfs takes each as a whole value.
  const std::size_t length = strlen(value);
  const ssize_t written = RetryOnEintr([&] { return write(file.get(), value, length); });
  if (written < 0) return Status::Errno("write", path);
  return static_cast<std::size_t>(written) == length ? Status::Ok() : Status::Make("write", EIO, path);
}

Status Write(int proc, const char* path, const char* value) {
  const UniqueFd file = OpenForWriting(proc, path);
  return file ? WriteTo(file, path, value) : Status::Errno("openat2", path);
}

// Our own directory in a procfs, which may be one of another pid namespace: it knows what our thread is called there.
// The link is only read: nothing follows it.
Status OwnDirectory(int proc, char* name, std::size_t size) {
  const ssize_t length = readlinkat(proc, "thread-self", name, size - 1);
  if (length < 0) return Status::Errno("readlinkat", "/proc/thread-self");
  name[length] = '\0';
  return Status::Ok();
}

}  // namespace

UniqueFd OpenHostProc() {
  // host path: before the root changes
  UniqueFd proc(open("/proc", O_PATH | O_DIRECTORY | O_CLOEXEC));
  if (proc && !IsProcRoot(proc.get())) {
    errno = ENODEV;
    proc.reset();
  }
  return proc;
}

Status OpenPrivateProc(Context& context) {
  if (context.proc) return Status::Ok();
  context.proc = MountProc();
  if (context.proc) return Status::Ok();
  const int refused = errno;
  // A user namespace may not make a procfs that shows more than the one it has (EPERM where the host's own is
  // masked, as in a container). The host's was opened and checked before anything of the container was there.
  if (refused != EPERM || !context.host_proc) return Status::Make("fsopen", refused, "proc");
  context.proc = UniqueFd(fcntl(context.host_proc.get(), F_DUPFD_CLOEXEC, 3));
  return context.proc ? Status::Ok() : Status::Errno("fcntl");
}

Status steps::SetOomScoreAdj(Context&, const JsonValue& step) {
  const UniqueFd proc = OpenHostProc();
  if (!proc) return Status::Errno("open", "/proc");
  char path[64];
  char value[16];
  snprintf(path, sizeof path, "%d/oom_score_adj", getpid());
  snprintf(value, sizeof value, "%d", static_cast<int>(JsonInteger(step, "value")));
  return Write(proc.get(), path, value);
}

Status steps::WriteSysctl(Context& context, const JsonValue& step) {
  RETURN_IF_FAILED(OpenPrivateProc(context));
  const UniqueFd sys =
      OpenAt2(context.proc.get(), "sys", O_PATH | O_DIRECTORY, RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS | RESOLVE_NO_XDEV);
  if (!sys) return Status::Errno("openat2", "/proc/sys");
  return Write(sys.get(), JsonString(step, "path", ""), JsonString(step, "value", ""));
}

// The labels of the LSMs: whoever diverts this write takes the container's confinement away (CVE-2019-16884,
// CVE-2023-28642, CVE-2025-52881).
Status steps::SetAttribute(Context& context, const JsonValue& step) {
  UniqueFd host;
  if (!context.rootfs) {
    host = OpenHostProc();
    if (!host) return Status::Errno("open", "/proc");
  } else {
    RETURN_IF_FAILED(OpenPrivateProc(context));
  }
  const int proc = host ? host.get() : context.proc.get();
  char own[64];
  RETURN_IF_FAILED(OwnDirectory(proc, own, sizeof own));

  const JsonValue* files = JsonMember(step, "files");
  if (files == nullptr || !files->IsArray() || files->Empty()) return Status::Make("plan", EPROTO, "files");
  char path[128];
  UniqueFd file;
  for (const JsonValue& name : files->GetArray()) {
    snprintf(path, sizeof path, "%s/%s", own, name.GetString());
    file = OpenForWriting(proc, path);
    if (file || errno != ENOENT) break;
  }
  return file ? WriteTo(file, path, JsonString(step, "value", "")) : Status::Errno("openat2", path);
}

}  // namespace runtime_ts
