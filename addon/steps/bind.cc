// mount.bind, device.bind: something of the host inside the container.
#include <fcntl.h>
#include <linux/magic.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/vfs.h>

#include <cstdio>

#include "steps/attributes.h"
#include "steps/mount_idmap.h"
#include "steps/steps.h"
#include "steps/target.h"

namespace runtime_ts {
namespace {

constexpr mode_t kDirectoryMode = 0755;
constexpr mode_t kFileMode = 0644;

// Has the engine open the source of the current step: the container's root may not search what only the host's root may
// (0700 directories on the way, as engines keep volumes), and this process is the container's root. It is opened in our
// mount namespace: a mount of the host's own could not be cloned here (EINVAL), and ours has the host's flags locked.
Status AskForSource(Context& context, UniqueFd* opened) {
  char index[16];
  const int length = snprintf(index, sizeof index, "%u", context.index);
  RETURN_IF_FAILED(context.channel.Send(Frame::kOpenSource, {index, static_cast<std::size_t>(length)}));
  Message answer;
  RETURN_IF_FAILED(context.channel.Receive(Frame::kSource, &answer));
  if (answer.fd_count != 1) return Status::Make("recvmsg", EPROTO, "no source from the engine");
  *opened = std::move(answer.fds[0]);
  return Status::Ok();
}

// A detached copy of the mount at a host path. This process is in a copy of the host's mount namespace, whose / is
// still the host's: sources are trusted, and symlinks in them are followed.
Status CloneTree(Context& context, const char* source, bool tree, UniqueFd* mount) {
  const unsigned flags = OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC | (tree ? AT_RECURSIVE : 0U);
  *mount = UniqueFd(open_tree(AT_FDCWD, source, flags));
  if (*mount) return Status::Ok();
  if (errno != EACCES || !context.in_user_namespace) return Status::Errno("open_tree", source);
  UniqueFd opened;
  RETURN_IF_FAILED(AskForSource(context, &opened));
  *mount = UniqueFd(open_tree(opened.get(), "", flags | AT_EMPTY_PATH));
  return *mount ? Status::Ok() : Status::Errno("open_tree", source);
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
