// directory.create, symlink.create, device.create: single entries in the rootfs.
#include <fcntl.h>
#include <linux/openat2.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "steps/steps.h"

namespace runtime_ts {
namespace {

mode_t DeviceType(const char* kind) {
  switch (*kind) {
    case 'c':
      return S_IFCHR;
    case 'b':
      return S_IFBLK;
    case 'p':
      return S_IFIFO;
    default:
      return 0;
  }
}

}  // namespace

Status steps::CreateDirectory(Context& context, const JsonValue& step) {
  const char* path = JsonString(step, "path", "");
  UniqueFd directory;
  struct stat attributes {};
  const auto mode = static_cast<mode_t>(JsonInteger(step, "mode", 0755));
  RETURN_IF_FAILED(context.rootfs.Create(path, Rootfs::Kind::kDirectory, mode, &directory));
  if (fstat(directory.get(), &attributes) < 0) return Status::Errno("fstat", path);
  return S_ISDIR(attributes.st_mode) ? Status::Ok() : Status::Make("mkdirat", ENOTDIR, path);
}

Status steps::CreateSymlink(Context& context, const JsonValue& step) {
  const char* path = JsonString(step, "path", "");
  const char* target = JsonString(step, "target", "");
  const char* condition = JsonString(step, "ifExists");
  if (condition != nullptr && !context.rootfs.Open(condition))
    return errno == ENOENT ? Status::Ok() : Status::Errno("openat2", condition);

  Entry entry;
  RETURN_IF_FAILED(context.rootfs.OpenParent(path, &entry));
  if (symlinkat(target, entry.parent.get(), entry.name) == 0) return Status::Ok();
  if (errno != EEXIST) return Status::Errno("symlinkat", path);
  if (!JsonBool(step, "replace")) return Status::Ok();
  // In the directory that we hold: a /dev that is a symlink to the host leads back inside (CVE-2026-41579).
  if (unlinkat(entry.parent.get(), entry.name, 0) < 0 && errno != ENOENT) return Status::Errno("unlinkat", path);
  if (symlinkat(target, entry.parent.get(), entry.name) < 0) return Status::Errno("symlinkat", path);
  return Status::Ok();
}

Status steps::CreateDevice(Context& context, const JsonValue& step) {
  const char* path = JsonString(step, "path", "");
  const mode_t type = DeviceType(JsonString(step, "kind", ""));
  const auto mode = static_cast<mode_t>(JsonInteger(step, "mode")) & 07777;
  const auto uid = static_cast<uid_t>(JsonInteger(step, "uid"));
  const auto gid = static_cast<gid_t>(JsonInteger(step, "gid"));
  const dev_t number = type == S_IFIFO ? 0
                                       : makedev(static_cast<unsigned>(JsonInteger(step, "major")),
                                                 static_cast<unsigned>(JsonInteger(step, "minor")));
  if (type == 0) return Status::Make("plan", EINVAL, path);

  Entry entry;
  RETURN_IF_FAILED(context.rootfs.OpenParent(path, &entry));
  const bool made = mknodat(entry.parent.get(), entry.name, type | mode, number) == 0;
  // A seccomp filter or device cgroup around the runtime, or no CAP_MKNOD: the host's device then, as in runc and crun.
  if (!made && errno == EPERM && JsonString(step, "source") != nullptr) return BindDevice(context, step);
  if (!made && errno != EEXIST) return Status::Errno("mknodat", path);
  if (made && uid == 0 && gid == 0) return Status::Ok();

  const UniqueFd device = OpenAt2(entry.parent.get(), entry.name, O_PATH | O_NOFOLLOW, RESOLVE_BENEATH);
  struct stat attributes {};
  if (!device) return Status::Errno("openat2", path);
  if (fstat(device.get(), &attributes) < 0) return Status::Errno("fstat", path);
  if ((attributes.st_mode & S_IFMT) != type || (type != S_IFIFO && attributes.st_rdev != number))
    return Status::Make("mknodat", EEXIST, path);
  if (made && fchownat(device.get(), "", uid, gid, AT_EMPTY_PATH) < 0) return Status::Errno("fchownat", path);
  return Status::Ok();
}

}  // namespace runtime_ts
