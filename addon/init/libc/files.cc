// System calls on files and mounts; see syscall.h.
#include <fcntl.h>
#include <poll.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/sendfile.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <sys/vfs.h>
#include <sys/xattr.h>
#include <unistd.h>

#include <cstdarg>
#include <ctime>

#include "init/libc/syscall.h"

using runtime_ts::Call;

extern "C" {

int open(const char* path, int flags, ...) {
  va_list rest;
  va_start(rest, flags);
  // NOLINTNEXTLINE(clang-analyzer-valist.Uninitialized): it is, one line above
  const unsigned mode = (flags & O_CREAT) != 0 ? va_arg(rest, unsigned) : 0;
  va_end(rest);
  return static_cast<int>(Call(SYS_openat, AT_FDCWD, path, flags, mode));
}

int openat(int directory, const char* path, int flags, ...) {
  va_list rest;
  va_start(rest, flags);
  // NOLINTNEXTLINE(clang-analyzer-valist.Uninitialized): it is, one line above
  const unsigned mode = (flags & O_CREAT) != 0 ? va_arg(rest, unsigned) : 0;
  va_end(rest);
  return static_cast<int>(Call(SYS_openat, directory, path, flags, mode));
}

int fcntl(int fd, int command, ...) {
  va_list rest;
  va_start(rest, command);
  const long argument = va_arg(rest, long);
  va_end(rest);
  return static_cast<int>(Call(SYS_fcntl, fd, command, argument));
}

int ioctl(int fd, unsigned long request, ...) noexcept {
  va_list rest;
  va_start(rest, request);
  const long argument = va_arg(rest, long);
  va_end(rest);
  return static_cast<int>(Call(SYS_ioctl, fd, request, argument));
}

int close(int fd) { return static_cast<int>(Call(SYS_close, fd)); }
int close_range(unsigned first, unsigned last, int flags) noexcept {
  return static_cast<int>(Call(SYS_close_range, first, last, flags));
}
ssize_t read(int fd, void* into, size_t size) { return Call(SYS_read, fd, into, size); }
ssize_t write(int fd, const void* from, size_t size) { return Call(SYS_write, fd, from, size); }
ssize_t sendfile(int to, int from, off_t* offset, size_t size) noexcept {
  return Call(SYS_sendfile, to, from, offset, size);
}
int pipe2(int* ends, int flags) noexcept { return static_cast<int>(Call(SYS_pipe2, ends, flags)); }
// arm64 has neither dup2 nor poll. dup3 refuses equal descriptors, which no caller has.
int dup2(int from, int to) noexcept { return static_cast<int>(Call(SYS_dup3, from, to, 0)); }
int poll(pollfd* watched, nfds_t count, int milliseconds) {
  timespec timeout{milliseconds / 1000, milliseconds % 1000 * 1000000L};
  return static_cast<int>(Call(SYS_ppoll, watched, count, milliseconds < 0 ? nullptr : &timeout, nullptr, 8));
}

int fstat(int fd, struct stat* into) noexcept { return static_cast<int>(Call(SYS_fstat, fd, into)); }
int fstatat(int directory, const char* path, struct stat* into, int flags) noexcept {
  return static_cast<int>(Call(SYS_newfstatat, directory, path, into, flags));
}
int stat(const char* path, struct stat* into) noexcept { return fstatat(AT_FDCWD, path, into, 0); }
int statx(int directory, const char* path, int flags, unsigned mask, struct statx* into) noexcept {
  return static_cast<int>(Call(SYS_statx, directory, path, flags, mask, into));
}
int fstatfs(int fd, struct statfs* into) noexcept { return static_cast<int>(Call(SYS_fstatfs, fd, into)); }
int faccessat(int directory, const char* path, int mode, int flags) noexcept {
  return static_cast<int>(Call(SYS_faccessat2, directory, path, mode, flags));
}

// What makedev() expands to: 12 bits of major and 20 of minor, as the kernel has them.
dev_t gnu_dev_makedev(unsigned major, unsigned minor) noexcept {
  return (minor & 0xff) | (static_cast<dev_t>(major & 0xfff) << 8) | (static_cast<dev_t>(minor & ~0xffU) << 12) |
         (static_cast<dev_t>(major & ~0xfffU) << 32);
}

int mkdirat(int directory, const char* path, mode_t mode) noexcept {
  return static_cast<int>(Call(SYS_mkdirat, directory, path, mode));
}
int mknodat(int directory, const char* path, mode_t mode, dev_t device) noexcept {
  return static_cast<int>(Call(SYS_mknodat, directory, path, mode, device));
}
int symlinkat(const char* target, int directory, const char* path) noexcept {
  return static_cast<int>(Call(SYS_symlinkat, target, directory, path));
}
ssize_t readlinkat(int directory, const char* path, char* into, size_t size) noexcept {
  return Call(SYS_readlinkat, directory, path, into, size);
}
int unlinkat(int directory, const char* path, int flags) noexcept {
  return static_cast<int>(Call(SYS_unlinkat, directory, path, flags));
}
int fchown(int fd, uid_t uid, gid_t gid) noexcept { return static_cast<int>(Call(SYS_fchown, fd, uid, gid)); }
int fchownat(int directory, const char* path, uid_t uid, gid_t gid, int flags) noexcept {
  return static_cast<int>(Call(SYS_fchownat, directory, path, uid, gid, flags));
}
int fchmod(int fd, mode_t mode) noexcept { return static_cast<int>(Call(SYS_fchmod, fd, mode)); }
// The system call has no flags; the init passes none.
int fchmodat(int directory, const char* path, mode_t mode, int) noexcept {
  return static_cast<int>(Call(SYS_fchmodat, directory, path, mode));
}
ssize_t flistxattr(int fd, char* into, size_t size) noexcept { return Call(SYS_flistxattr, fd, into, size); }
ssize_t fgetxattr(int fd, const char* name, void* into, size_t size) noexcept {
  return Call(SYS_fgetxattr, fd, name, into, size);
}
int fsetxattr(int fd, const char* name, const void* value, size_t size, int flags) noexcept {
  return static_cast<int>(Call(SYS_fsetxattr, fd, name, value, size, flags));
}

int chdir(const char* path) noexcept { return static_cast<int>(Call(SYS_chdir, path)); }
int fchdir(int fd) noexcept { return static_cast<int>(Call(SYS_fchdir, fd)); }
int chroot(const char* path) noexcept { return static_cast<int>(Call(SYS_chroot, path)); }
char* getcwd(char* into, size_t size) noexcept { return Call(SYS_getcwd, into, size) < 0 ? nullptr : into; }
mode_t umask(mode_t mask) noexcept { return static_cast<mode_t>(Call(SYS_umask, mask)); }

int mount(const char* source, const char* target, const char* type, unsigned long flags, const void* options) noexcept {
  return static_cast<int>(Call(SYS_mount, source, target, type, flags, options));
}
int umount2(const char* path, int flags) noexcept { return static_cast<int>(Call(SYS_umount2, path, flags)); }
int open_tree(int directory, const char* path, unsigned flags) noexcept {
  return static_cast<int>(Call(SYS_open_tree, directory, path, flags));
}
int move_mount(int from, const char* from_path, int to, const char* to_path, unsigned flags) noexcept {
  return static_cast<int>(Call(SYS_move_mount, from, from_path, to, to_path, flags));
}
int mount_setattr(int directory, const char* path, unsigned flags, mount_attr* attributes, size_t size) noexcept {
  return static_cast<int>(Call(SYS_mount_setattr, directory, path, flags, attributes, size));
}
int fsopen(const char* type, unsigned flags) noexcept { return static_cast<int>(Call(SYS_fsopen, type, flags)); }
int fspick(int directory, const char* path, unsigned flags) noexcept {
  return static_cast<int>(Call(SYS_fspick, directory, path, flags));
}
int fsmount(int context, unsigned flags, unsigned attributes) noexcept {
  return static_cast<int>(Call(SYS_fsmount, context, flags, attributes));
}
int fsconfig(int context, unsigned command, const char* key, const void* value, int auxiliary) noexcept {
  return static_cast<int>(Call(SYS_fsconfig, context, command, key, value, auxiliary));
}

}  // extern "C"
