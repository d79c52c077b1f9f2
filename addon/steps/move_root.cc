#include "steps/move_root.h"

#include <fcntl.h>
#include <linux/openat2.h>
#include <sys/mount.h>
#include <unistd.h>

#include <cstdio>
#include <cstring>

#include "steps/attributes.h"
#include "steps/proc.h"

namespace runtime_ts {
namespace {

// Undoes the octal escapes of mountinfo (space, tab, newline, backslash), in place.
void Unescape(char* text) {
  char* out = text;
  for (const char* in = text; *in != '\0';) {
    if (in[0] == '\\' && in[1] >= '0' && in[1] <= '7' && in[2] != '\0' && in[3] != '\0') {
      *out++ = static_cast<char>(((in[1] - '0') << 6) | ((in[2] - '0') << 3) | (in[3] - '0'));
      in += 4;
    } else {
      *out++ = *in++;
    }
  }
  *out = '\0';
}

// Takes a full procfs or sysfs of the host out of this namespace. The old root stays in it, below the new one: a
// process that can make a user namespace is allowed a procfs of its own as long as a full one is visible anywhere.
// Where it is locked (EINVAL) an empty tmpfs covers it. So it does where mounts are shared with the host: an unmount
// goes by the propagation of the mount that it lies in, and would take the host's own /proc away.
Status Remove(const char* path, bool cover) {
  mount_attr slave{};
  slave.propagation = MS_SLAVE;
  if (mount_setattr(AT_FDCWD, path, AT_RECURSIVE, &slave, sizeof slave) < 0)
    return Status::Errno("mount_setattr", path);
  if (!cover && umount2(path, MNT_DETACH) == 0) return Status::Ok();
  if (!cover && errno != EINVAL && errno != EPERM) return Status::Errno("umount2", path);
  // host path: the old root's /proc or /sys, from mountinfo
  if (mount("tmpfs", path, "tmpfs", MS_RDONLY | MS_NOSUID | MS_NODEV | MS_NOEXEC, "nr_blocks=1,nr_inodes=1") < 0)
    return Status::Errno("mount", path);
  return Status::Ok();
}

bool IsBelow(const char* path, const char* root) {
  const std::size_t length = strlen(root);
  return strncmp(path, root, length) == 0 && (path[length] == '\0' || path[length] == '/');
}

// `line`: id parent major:minor root mount-point options [tags...] - type source options
Status RemoveIfRevealing(char* line, const char* rootfs, bool cover) {
  const char* type = strstr(line, " - ");
  if (type == nullptr) return Status::Ok();
  const bool revealing = strncmp(type + 3, "proc ", 5) == 0 || strncmp(type + 3, "sysfs ", 6) == 0;
  char* field = line;
  for (int skip = 0; skip < 4 && field != nullptr; skip++) {
    field = strchr(field, ' ');
    if (field != nullptr) field++;
  }
  if (!revealing || field == nullptr) return Status::Ok();
  field[strcspn(field, " ")] = '\0';
  Unescape(field);
  return IsBelow(field, rootfs) ? Status::Ok() : Remove(field, cover);
}

// Our own name in `proc`, which may be of an outer pid namespace: there /proc/1 is the host's first process, and its
// mounts are not ours where the runtime has a mount namespace or a root of its own.
Status NameIn(const UniqueFd& proc, char (&name)[16]) {
  const ssize_t length = readlinkat(proc.get(), "self", name, sizeof name - 1);
  if (length < 0) return Status::Errno("readlinkat", "/proc/self");
  name[length] = '\0';
  return Status::Ok();
}

// /proc/self/mountinfo, whole, before anything is unmounted.
Status ReadMounts(Buffer* text) {
  constexpr std::size_t kMost = 4 << 20;
  const UniqueFd proc = OpenHostProc();
  if (!proc) return Status::Errno("open", "/proc");
  char self[16];
  RETURN_IF_FAILED(NameIn(proc, self));
  char name[32];
  snprintf(name, sizeof name, "%s/mountinfo", self);
  const UniqueFd file = OpenAt2(proc.get(), name, O_RDONLY, RESOLVE_BENEATH | RESOLVE_NO_XDEV | RESOLVE_NO_SYMLINKS);
  if (!file) return Status::Errno("openat2", "/proc/self/mountinfo");
  if (!text->Allocate(kMost)) return Status::Errno("malloc", "/proc/self/mountinfo");
  std::size_t length = 0;
  for (;;) {
    const ssize_t got = RetryOnEintr([&] { return read(file.get(), text->data() + length, kMost - length); });
    if (got < 0) return Status::Errno("read", "/proc/self/mountinfo");
    if (got == 0) break;
    length += static_cast<std::size_t>(got);
  }
  if (length == kMost) return Status::Make("read", EFBIG, "/proc/self/mountinfo");
  text->data()[length] = '\0';
  return Status::Ok();
}

}  // namespace

Status MoveRoot(Context& context) {
  if (fchdir(context.rootfs.fd()) < 0) return Status::Errno("fchdir", "/");
  char rootfs[4096];
  if (getcwd(rootfs, sizeof rootfs) == nullptr) return Status::Errno("getcwd");

  Buffer mounts;
  RETURN_IF_FAILED(ReadMounts(&mounts));
  for (char* line = mounts.data(); *line != '\0';) {
    char* end = line + strcspn(line, "\n");
    char* next = *end == '\0' ? end : end + 1;
    *end = '\0';
    RETURN_IF_FAILED(RemoveIfRevealing(line, rootfs, context.may_propagate));
    line = next;
  }

  if (context.may_propagate) {
    // What is moved onto a shared mount becomes shared with all below it, and appears on the host's root too. Not
    // recursive: the container's mounts are below it until they are moved.
    mount_attr slave{};
    slave.propagation = MS_SLAVE;
    RETURN_IF_FAILED(ApplyAttributes(context.host_root.get(), slave, false, "old root"));
  }
  if (move_mount(context.rootfs.fd(), "", context.host_root.get(), "",
                 MOVE_MOUNT_F_EMPTY_PATH | MOVE_MOUNT_T_EMPTY_PATH) < 0)
    return Status::Errno("move_mount", "/");
  if (fchdir(context.rootfs.fd()) < 0) return Status::Errno("fchdir", "/");
  // host path: the working directory, which is the rootfs
  return chroot(".") < 0 ? Status::Errno("chroot", "/") : Status::Ok();
}

}  // namespace runtime_ts
