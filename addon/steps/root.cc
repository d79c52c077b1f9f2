// root.open, root.enter: the root file system, first as a descriptor, then as /.
#include <fcntl.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "steps/attributes.h"
#include "steps/move_root.h"
#include "steps/null_streams.h"
#include "steps/proc.h"
#include "steps/source.h"
#include "steps/steps.h"

namespace runtime_ts {
namespace {

// pivot_root(2) refuses a new root whose parent mount is shared, and what is attached there would appear on the host.
// A slave still gets what the host mounts below the rootfs later. The rootfs need not be the root of a mount, so go up
// until there is one.
Status SeverParent(const char* path, std::uint64_t kind) {
  // host path: the rootfs from outside
  UniqueFd directory(open(path, O_PATH | O_DIRECTORY | O_CLOEXEC));
  while (directory) {
    struct statx attributes {};
    if (statx(directory.get(), "", AT_EMPTY_PATH, STATX_TYPE, &attributes) < 0) return Status::Errno("statx", path);
    if ((attributes.stx_attributes & STATX_ATTR_MOUNT_ROOT) != 0) {
      mount_attr change{};
      change.propagation = kind;
      return ApplyAttributes(directory.get(), change, false, path);
    }
    directory = UniqueFd(openat(directory.get(), "..", O_PATH | O_DIRECTORY | O_CLOEXEC));
  }
  return Status::Errno("open", path);
}

// A clone of the host's /dev/null for path.mask. The rootfs has a /dev/null too, but it is the attacker's, and it may
// be a symlink to anything (CVE-2025-31133, CVE-2026-88265).
Status TakeNullDevice(Context& context) {
  UniqueFd null(open_tree(AT_FDCWD, "/dev/null", OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC | AT_SYMLINK_NOFOLLOW));
  struct stat attributes {};
  if (!null || fstat(null.get(), &attributes) < 0) return Status::Errno("open_tree", "/dev/null");
  if (!S_ISCHR(attributes.st_mode) || attributes.st_rdev != makedev(1, 3))
    return Status::Make("open_tree", ENODEV, "/dev/null");
  context.null_device.mount = std::move(null);
  return Status::Ok();
}

bool PlanHas(const Context& context, std::string_view op) {
  for (const JsonValue& step : context.steps->GetArray()) {
    const JsonValue* name = JsonMember(step, "op");
    if (name != nullptr && JsonText(*name) == op) return true;
  }
  return false;
}

Status Pivot(Context& context) {
  if (fchdir(context.rootfs.fd()) < 0) return Status::Errno("fchdir", "/");
  // The old root lands on top of the new one, under the same name; see pivot_root(2) on (".", ".").
  if (syscall(SYS_pivot_root, ".", ".") < 0) return Status::Errno("pivot_root");
  if (context.may_propagate) {
    // Otherwise the unmount below would take place on the host as well.
    mount_attr slave{};
    slave.propagation = MS_SLAVE;
    RETURN_IF_FAILED(ApplyAttributes(context.host_root.get(), slave, true, "old root"));
  }
  if (fchdir(context.host_root.get()) < 0) return Status::Errno("fchdir", "old root");
  if (umount2(".", MNT_DETACH) < 0) return Status::Errno("umount2", "old root");
  return Status::Ok();
}

// In the caller's mount namespace. Where anything is to be mounted, `path` is a mount of its own that the engine has
// made.
Status OpenInPlace(Context& context, const char* path) {
  // host path: before the root changes
  UniqueFd root(open(path, O_PATH | O_DIRECTORY | O_CLOEXEC));
  if (!root) return Status::Errno("open", path);
  context.rootfs = Rootfs(std::move(root));
  if (PlanHas(context, "sysctl.write")) context.host_proc = OpenHostProc();
  return Status::Ok();
}

}  // namespace

Status steps::OpenRoot(Context& context, const JsonValue& step) {
  const char* path = JsonString(step, "path", "");
  const char* word = JsonString(step, "propagation");
  if (word == nullptr) return OpenInPlace(context, path);
  const std::uint64_t propagation = ParsePropagation(word);
  if (propagation == 0) return Status::Make("plan", EINVAL, word);

  mount_attr change{};
  change.propagation = propagation & ~static_cast<std::uint64_t>(MS_REC);
  // host path: before the root changes
  context.host_root = UniqueFd(open("/", O_PATH | O_DIRECTORY | O_CLOEXEC));
  if (!context.host_root) return Status::Errno("open", "/");
  RETURN_IF_FAILED(ApplyAttributes(context.host_root.get(), change, (propagation & MS_REC) != 0, "/"));
  context.may_propagate = propagation != (MS_REC | MS_PRIVATE) && propagation != (MS_REC | MS_SLAVE);
  if (context.may_propagate)
    RETURN_IF_FAILED(SeverParent(path, change.propagation == MS_SLAVE ? MS_SLAVE : MS_PRIVATE));

  // A mount of its own, so that it can be pivoted to and made read-only without touching the host's.
  UniqueFd root;
  RETURN_IF_FAILED(CloneHostTree(context, path, AT_RECURSIVE, &root));
  // host path: before the root changes
  UniqueFd target(open(path, O_PATH | O_DIRECTORY | O_CLOEXEC));
  if (!target && errno == EACCES && context.in_user_namespace) RETURN_IF_FAILED(AskForSource(context, &target));
  if (!target) return Status::Errno("open", path);
  if (move_mount(root.get(), "", target.get(), "", MOVE_MOUNT_F_EMPTY_PATH | MOVE_MOUNT_T_EMPTY_PATH) < 0)
    return Status::Errno("move_mount", path);
  context.rootfs = Rootfs(std::move(root));

  // The last chance to look at the host. A host without /proc is fine as long as no later step needs it.
  if (PlanHas(context, "path.mask")) RETURN_IF_FAILED(TakeNullDevice(context));
  if (PlanHas(context, "sysctl.write") || PlanHas(context, "process.attribute")) context.host_proc = OpenHostProc();
  return Status::Ok();
}

Status steps::EnterRoot(Context& context, const JsonValue& step) {
  const std::string_view method = JsonString(step, "method", "");
  if (method == "pivot") {
    RETURN_IF_FAILED(Pivot(context));
  } else if (method == "move") {
    RETURN_IF_FAILED(MoveRoot(context));
  } else if (method == "chroot") {
    if (fchdir(context.rootfs.fd()) < 0) return Status::Errno("fchdir", "/");
    // host path: the working directory, which is the rootfs
    if (chroot(".") < 0) return Status::Errno("chroot", "/");
  } else {
    return Status::Make("plan", EINVAL, method);
  }
  if (chdir("/") < 0) return Status::Errno("chdir", "/");
  context.host_root.reset();
  UseOwnNull(context);
  return Status::Ok();
}

}  // namespace runtime_ts
