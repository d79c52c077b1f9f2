// console.create: a terminal of the container's own devpts.
#include <fcntl.h>
#include <linux/magic.h>
#include <linux/openat2.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/vfs.h>
#include <unistd.h>

#include <cstdio>

#include "steps/steps.h"

namespace runtime_ts {
namespace {

constexpr char kConsole[] = "/dev/console";
constexpr char kPtmx[] = "/dev/pts/ptmx";

// The master side, from a multiplexer that is proven to be one: /dev/pts may lead anywhere in a hostile image
// (CVE-2025-52565).
Status OpenMaster(const Context& context, UniqueFd* master) {
  const UniqueFd devpts = context.rootfs.Open("/dev/pts", O_DIRECTORY);
  struct statfs file_system {};
  struct stat attributes {};
  if (!devpts || fstatfs(devpts.get(), &file_system) < 0) return Status::Errno("openat2", "/dev/pts");
  if (file_system.f_type != DEVPTS_SUPER_MAGIC) return Status::Make("openat2", ENODEV, "/dev/pts is no devpts");
  *master = OpenAt2(devpts.get(), "ptmx", O_RDWR | O_NOCTTY | O_NOFOLLOW,
                    RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS | RESOLVE_NO_XDEV);
  if (!*master || fstat(master->get(), &attributes) < 0) return Status::Errno("openat2", kPtmx);
  if (!S_ISCHR(attributes.st_mode) || attributes.st_rdev != makedev(5, 2))
    return Status::Make("openat2", ENODEV, kPtmx);
  return Status::Ok();
}

Status OpenSlave(int master, UniqueFd* slave) {
  const int unlock = 0;
  if (ioctl(master, TIOCSPTLCK, &unlock) < 0) return Status::Errno("TIOCSPTLCK", kPtmx);
  // By the master, not by the name /dev/pts/N: what is at that name need not be the slave.
  *slave = UniqueFd(ioctl(master, TIOCGPTPEER, O_RDWR | O_NOCTTY | O_CLOEXEC));
  return *slave ? Status::Ok() : Status::Errno("TIOCGPTPEER", kPtmx);
}

Status Configure(int slave, const JsonValue& step) {
  if (const JsonValue* size = JsonMember(step, "size"); size != nullptr) {
    winsize window{};
    window.ws_row = static_cast<unsigned short>(JsonInteger(*size, "height"));
    window.ws_col = static_cast<unsigned short>(JsonInteger(*size, "width"));
    if (ioctl(slave, TIOCSWINSZ, &window) < 0) return Status::Errno("TIOCSWINSZ");
  }
  // The group stays what devpts made it (gid=5, tty).
  const auto uid = static_cast<uid_t>(JsonInteger(step, "uid"));
  return fchown(slave, uid, static_cast<gid_t>(-1)) < 0 ? Status::Errno("fchown", "pty") : Status::Ok();
}

// The slave again at /dev/console. The file below it is made without following a symlink that may be in its place
// (CVE-2026-88264).
Status BindConsole(const Context& context, int slave) {
  Entry console;
  RETURN_IF_FAILED(context.rootfs.OpenParent(kConsole, &console));
  if (mknodat(console.parent.get(), console.name, S_IFREG | 0600, 0) < 0 && errno != EEXIST)
    return Status::Errno("mknodat", kConsole);
  const UniqueFd target =
      OpenAt2(console.parent.get(), console.name, O_PATH | O_NOFOLLOW, RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS);
  struct stat attributes {};
  if (!target || fstat(target.get(), &attributes) < 0) return Status::Errno("openat2", kConsole);
  // O_PATH opens the symlink itself, and a mount would stick to it.
  if (S_ISLNK(attributes.st_mode)) return Status::Make("openat2", ELOOP, kConsole);
  const UniqueFd bound(open_tree(slave, "", AT_EMPTY_PATH | OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC));
  if (!bound) return Status::Errno("open_tree", kConsole);
  if (move_mount(bound.get(), "", target.get(), "", MOVE_MOUNT_F_EMPTY_PATH | MOVE_MOUNT_T_EMPTY_PATH) < 0)
    return Status::Errno("move_mount", kConsole);
  return Status::Ok();
}

}  // namespace

Status steps::CreateConsole(Context& context, const JsonValue& step) {
  UniqueFd master;
  UniqueFd slave;
  RETURN_IF_FAILED(OpenMaster(context, &master));
  RETURN_IF_FAILED(OpenSlave(master.get(), &slave));
  RETURN_IF_FAILED(Configure(slave.get(), step));
  if (JsonBool(step, "bind")) RETURN_IF_FAILED(BindConsole(context, slave.get()));

  unsigned number = 0;
  if (ioctl(master.get(), TIOCGPTN, &number) < 0) return Status::Errno("TIOCGPTN", kPtmx);
  char name[32];
  const int length = snprintf(name, sizeof name, "/dev/pts/%u", number);
  RETURN_IF_FAILED(context.channel.Send(Frame::kTerminal, {name, static_cast<std::size_t>(length)}, master.get()));

  for (int fd = 0; fd <= 2; fd++) {
    if (dup2(slave.get(), fd) < 0) return Status::Errno("dup2", "pty");
  }
  // Ours since setsid at the clone: a session leader without a terminal.
  return ioctl(0, TIOCSCTTY, 0) < 0 ? Status::Errno("TIOCSCTTY", name) : Status::Ok();
}

}  // namespace runtime_ts
