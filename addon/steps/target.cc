#include "steps/target.h"

#include <fcntl.h>
#include <linux/magic.h>
#include <linux/openat2.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>

#include <cstring>

namespace runtime_ts {
namespace {

constexpr mode_t kDirectoryMode = 0755;
constexpr char kNotOrdinary[] = "must be mounted on ordinary directory";

bool IsRoot(const char* destination) { return destination[strspn(destination, "/")] == '\0'; }

bool IsSameMount(int one, int other) {
  struct statx first {};
  struct statx second {};
  return statx(one, "", AT_EMPTY_PATH, STATX_MNT_ID, &first) == 0 &&
         statx(other, "", AT_EMPTY_PATH, STATX_MNT_ID, &second) == 0 && first.stx_mnt_id == second.stx_mnt_id;
}

}  // namespace

Status OpenTargetDirectory(const Context& context, const char* destination, UniqueFd* target, bool* existed) {
  *target = context.rootfs.Open(destination, O_DIRECTORY);
  *existed = static_cast<bool>(*target);
  if (!*existed) {
    if (errno != ENOENT) return Status::Errno("openat2", destination);
    RETURN_IF_FAILED(context.rootfs.Create(destination, Rootfs::Kind::kDirectory, kDirectoryMode, target));
  }
  return RefuseProcfs(context, target->get(), destination);
}

Status RefuseProcfs(const Context& context, int target, const char* destination) {
  if (strcmp(destination, "/proc") == 0 || strncmp(destination, "/proc/", 6) == 0) return Status::Ok();
  struct statfs file_system {};
  if (fstatfs(target, &file_system) < 0) return Status::Errno("fstatfs", destination);
  if (file_system.f_type != PROC_SUPER_MAGIC) return Status::Ok();
  // The host's /proc, bound elsewhere, is nobody's place to write labels to.
  const UniqueFd proc = context.rootfs.Open("/proc");
  if (!proc || !IsSameMount(proc.get(), target)) return Status::Ok();
  return Status::Make("openat2", EPERM, "cannot be mounted because it is inside /proc");
}

Status OpenOrdinaryDirectory(const Context& context, const char* destination, UniqueFd* target) {
  *target = context.rootfs.Open(destination, O_DIRECTORY, RESOLVE_NO_SYMLINKS);
  if (!*target && errno == ENOENT) {
    RETURN_IF_FAILED(context.rootfs.Create(destination, Rootfs::Kind::kDirectory, kDirectoryMode, target));
    *target = context.rootfs.Open(destination, O_DIRECTORY, RESOLVE_NO_SYMLINKS);
  }
  if (*target) return Status::Ok();
  if (errno == ELOOP || errno == ENOTDIR) return Status::Make("openat2", ENOTDIR, kNotOrdinary);
  return Status::Errno("openat2", destination);
}

Status MoveMount(Context& context, UniqueFd& mount, int target, const char* destination) {
  if (move_mount(mount.get(), "", target, "", MOVE_MOUNT_F_EMPTY_PATH | MOVE_MOUNT_T_EMPTY_PATH) < 0)
    return Status::Errno("move_mount", destination);
  if (IsRoot(destination)) {
    UniqueFd root(fcntl(mount.get(), F_DUPFD_CLOEXEC, 3));
    if (!root) return Status::Errno("fcntl", destination);
    context.rootfs = Rootfs(std::move(root));
  }
  return Status::Ok();
}

Status OpenMountRoot(const Context& context, const char* destination, UniqueFd* root) {
  *root = context.rootfs.Open(destination);
  if (!*root) return Status::Errno("openat2", destination);
  struct statx attributes {};
  if (statx(root->get(), "", AT_EMPTY_PATH, STATX_TYPE, &attributes) < 0) return Status::Errno("statx", destination);
  // Whatever is not the root of a mount would change the mount that it lies in: the container's own root, say.
  if ((attributes.stx_attributes & STATX_ATTR_MOUNT_ROOT) == 0) return Status::Make("statx", EINVAL, destination);
  return Status::Ok();
}

}  // namespace runtime_ts
