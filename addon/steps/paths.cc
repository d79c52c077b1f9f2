// path.readonly, path.mask: parts of /proc and /sys that a container must not write, or see.
#include <fcntl.h>
#include <sys/mount.h>
#include <sys/stat.h>

#include "steps/attributes.h"
#include "steps/steps.h"
#include "steps/target.h"

namespace runtime_ts {
namespace {

// Opens a path that may be missing: kernels differ in what /proc has. False with errno 0 when it is.
bool OpenPresent(const Context& context, const char* path, UniqueFd* found) {
  *found = context.rootfs.Open(path);
  if (!*found && (errno == ENOENT || errno == ENOTDIR)) errno = 0;
  return static_cast<bool>(*found);
}

// One superblock serves all masked directories; nothing can ever be put into it.
Status MakeEmptyDirectory(MaskSource* source, const char* label) {
  const UniqueFd filesystem(fsopen("tmpfs", FSOPEN_CLOEXEC));
  if (!filesystem) return Status::Errno("fsopen", "tmpfs");
  const bool configured =
      fsconfig(filesystem.get(), FSCONFIG_SET_STRING, "source", "tmpfs", 0) == 0 &&
      fsconfig(filesystem.get(), FSCONFIG_SET_STRING, "nr_blocks", "1", 0) == 0 &&
      fsconfig(filesystem.get(), FSCONFIG_SET_STRING, "nr_inodes", "1", 0) == 0 &&
      fsconfig(filesystem.get(), FSCONFIG_SET_FLAG, "ro", nullptr, 0) == 0 &&
      (label == nullptr || fsconfig(filesystem.get(), FSCONFIG_SET_STRING, "context", label, 0) == 0) &&
      fsconfig(filesystem.get(), FSCONFIG_CMD_CREATE, nullptr, nullptr, 0) == 0;
  if (!configured) return Status::Errno("fsconfig", "tmpfs");
  source->mount = UniqueFd(fsmount(filesystem.get(), FSMOUNT_CLOEXEC, MOUNT_ATTR_RDONLY));
  return source->mount ? Status::Ok() : Status::Errno("fsmount", "tmpfs");
}

Status Attach(MaskSource* source, int target, const char* path) {
  UniqueFd clone;
  if (source->attached) {
    clone = UniqueFd(open_tree(source->mount.get(), "", AT_EMPTY_PATH | OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC));
    if (!clone) return Status::Errno("open_tree", path);
  }
  const int mount = clone ? clone.get() : source->mount.get();
  if (move_mount(mount, "", target, "", MOVE_MOUNT_F_EMPTY_PATH | MOVE_MOUNT_T_EMPTY_PATH) < 0)
    return Status::Errno("move_mount", path);
  source->attached = true;
  return Status::Ok();
}

}  // namespace

Status steps::MakePathReadonly(Context& context, const JsonValue& step) {
  const char* path = JsonString(step, "path", "");
  UniqueFd found;
  if (!OpenPresent(context, path, &found)) return errno == 0 ? Status::Ok() : Status::Errno("openat2", path);

  // The path over itself, mounts below it included; all other attributes stay as they are.
  UniqueFd tree(open_tree(found.get(), "", AT_EMPTY_PATH | AT_RECURSIVE | OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC));
  if (!tree) return Status::Errno("open_tree", path);
  mount_attr readonly{};
  readonly.attr_set = MOUNT_ATTR_RDONLY;
  RETURN_IF_FAILED(ApplyAttributes(tree.get(), readonly, false, path));
  return MoveMount(context, tree, found.get(), path);
}

Status steps::MaskPath(Context& context, const JsonValue& step) {
  const char* path = JsonString(step, "path", "");
  UniqueFd found;
  if (!OpenPresent(context, path, &found)) return errno == 0 ? Status::Ok() : Status::Errno("openat2", path);

  struct stat attributes {};
  if (fstat(found.get(), &attributes) < 0) return Status::Errno("fstat", path);
  if (!S_ISDIR(attributes.st_mode)) return Attach(&context.null_device, found.get(), path);
  if (!context.empty_directory.mount)
    RETURN_IF_FAILED(MakeEmptyDirectory(&context.empty_directory, JsonString(step, "label")));
  return Attach(&context.empty_directory, found.get(), path);
}

}  // namespace runtime_ts
