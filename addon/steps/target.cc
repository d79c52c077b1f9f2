#include "steps/target.h"

#include <fcntl.h>
#include <linux/openat2.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstring>

namespace runtime_ts {
namespace {

constexpr mode_t kDirectoryMode = 0755;
constexpr char kNotOrdinary[] = "must be mounted on ordinary directory";

bool IsRoot(const char* destination) { return destination[strspn(destination, "/")] == '\0'; }

}  // namespace

Status OpenTargetDirectory(const Context& context, const char* destination, UniqueFd* target, bool* existed) {
  *target = context.rootfs.Open(destination, O_DIRECTORY);
  *existed = static_cast<bool>(*target);
  if (*existed) return Status::Ok();
  if (errno != ENOENT) return Status::Errno("openat2", destination);
  return context.rootfs.Create(destination, Rootfs::Kind::kDirectory, kDirectoryMode, target);
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
