// mount.bind, device.bind: something of the host inside the container.
#include <fcntl.h>
#include <linux/magic.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/vfs.h>

#include "steps/attributes.h"
#include "steps/mount_idmap.h"
#include "steps/source.h"
#include "steps/steps.h"
#include "steps/target.h"

namespace runtime_ts {
namespace {

constexpr mode_t kDirectoryMode = 0755;
constexpr mode_t kFileMode = 0644;

// A detached copy of the mount at a host path. This process is in a copy of the host's mount namespace, whose / is
// still the host's: sources are trusted, and symlinks in them are followed.
Status CloneTree(Context& context, const char* source, bool tree, UniqueFd* mount) {
  return CloneHostTree(context, source, tree ? AT_RECURSIVE : 0U, mount);
}

// What is bound on /proc has to be one: a faked /proc takes what is written to /proc/self/attr (CVE-2019-16884).
Status CheckProcfs(const JsonValue& step, int mount, const char* destination) {
  if (!JsonBool(step, "procfs")) return Status::Ok();
  struct statfs file_system {};
  if (fstatfs(mount, &file_system) < 0) return Status::Errno("fstatfs", destination);
  return file_system.f_type == PROC_SUPER_MAGIC
             ? Status::Ok()
             : Status::Make("fstatfs", EPERM, "cannot be mounted because it is not of type proc");
}

// The destination, made after the kind of the source when it is missing.
Status OpenTarget(const Context& context, int mount, const char* destination, UniqueFd* target) {
  struct stat source {};
  struct stat found {};
  if (fstat(mount, &source) < 0) return Status::Errno("fstat", destination);
  const bool directory = S_ISDIR(source.st_mode);
  RETURN_IF_FAILED(context.rootfs.Create(destination, directory ? Rootfs::Kind::kDirectory : Rootfs::Kind::kFile,
                                         directory ? kDirectoryMode : kFileMode, target));
  if (fstat(target->get(), &found) < 0) return Status::Errno("fstat", destination);
  // move_mount says EINVAL here, mount(2) says ENOTDIR, which engines know how to tell their users.
  if (directory != S_ISDIR(found.st_mode)) return Status::Make("mount", ENOTDIR, destination);
  return RefuseProcfs(context, target->get(), destination);
}

// The host's file of that name may be anything, for instance a whole disk.
bool IsDevice(int mount, const JsonValue& step) {
  const char* kind = JsonString(step, "kind", "");
  const dev_t number =
      makedev(static_cast<unsigned>(JsonInteger(step, "major")), static_cast<unsigned>(JsonInteger(step, "minor")));
  struct stat found {};
  if (fstat(mount, &found) < 0) return false;
  const mode_t type = *kind == 'b' ? S_IFBLK : S_IFCHR;
  return (found.st_mode & S_IFMT) == type && found.st_rdev == number;
}

}  // namespace

Status steps::MountBind(Context& context, const JsonValue& step) {
  const char* destination = JsonString(step, "destination", "");
  UniqueFd mount;
  UniqueFd target;
  RETURN_IF_FAILED(CloneTree(context, JsonString(step, "source", ""), JsonBool(step, "tree"), &mount));
  RETURN_IF_FAILED(CheckProcfs(step, mount.get(), destination));
  RETURN_IF_FAILED(MapMountIds(context, step, mount.get()));
  RETURN_IF_FAILED(OpenTarget(context, mount.get(), destination, &target));

  mount_attr attributes{};
  if (!ParseAttributes(JsonMember(step, "attributes"), &attributes)) return Status::Make("plan", EINVAL, destination);
  RETURN_IF_FAILED(ApplyAttributes(mount.get(), attributes, false, destination));
  RETURN_IF_FAILED(ApplyRecursiveAttributes(mount.get(), step, destination));
  RETURN_IF_FAILED(MoveMount(context, mount, target.get(), destination));
  return ApplyPropagation(mount.get(), step, destination);
}

Status steps::BindDevice(Context& context, const JsonValue& step) {
  const char* path = JsonString(step, "path", "");
  UniqueFd mount;
  UniqueFd target;
  const char* source = JsonString(step, "source", "");
  RETURN_IF_FAILED(CloneTree(context, source, false, &mount));
  if (!IsDevice(mount.get(), step)) return Status::Make("open_tree", ENXIO, source);
  RETURN_IF_FAILED(OpenTarget(context, mount.get(), path, &target));
  return MoveMount(context, mount, target.get(), path);
}

}  // namespace runtime_ts
