// Verbs for mounts in the engine's own mount namespace, below the state directory.
#include <fcntl.h>
#include <sys/mount.h>

#include "binding/verb.h"
#include "binding/verbs.h"
#include "common/unique_fd.h"

namespace runtime_ts {

Napi::Value BindMount(const Napi::CallbackInfo& info) {
  const Napi::Env env = info.Env();
  const Options options(info);
  const std::string source = options.Path("source");
  const std::string target = options.Path("target");
  const unsigned recursive = options.Flag("recursive") ? AT_RECURSIVE : 0U;
  const UniqueFd mount(open_tree(AT_FDCWD, source.c_str(), OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC | recursive));
  if (!mount) return Throw(env, Failed("open_tree", source));
  if (move_mount(mount.get(), "", AT_FDCWD, target.c_str(), MOVE_MOUNT_F_EMPTY_PATH) == -1)
    return Throw(env, Failed("move_mount", target));
  // Afterwards: what is attached to a shared mount becomes shared by that.
  mount_attr change{};
  change.propagation = options.Flag("slave") ? MS_SLAVE : MS_PRIVATE;
  if (mount_setattr(mount.get(), "", AT_EMPTY_PATH | recursive, &change, sizeof change) == -1) {
    const Failure failure = Failed("mount_setattr", target);
    umount2(target.c_str(), MNT_DETACH | UMOUNT_NOFOLLOW);
    return Throw(env, failure);
  }
  return env.Undefined();
}

Napi::Value Unmount(const Napi::CallbackInfo& info) {
  const std::string path = Options(info).Path("path");
  // Mounts may lie on top of each other. EINVAL: no mount is there.
  while (umount2(path.c_str(), MNT_DETACH | UMOUNT_NOFOLLOW) == 0) {
  }
  // EPERM: this caller could not have made one either.
  if (errno == EINVAL || errno == ENOENT || errno == EPERM) return info.Env().Undefined();
  return Throw(info.Env(), Failed("umount2", path));
}

}  // namespace runtime_ts
