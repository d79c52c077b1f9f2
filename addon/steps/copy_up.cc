#include "steps/copy_up.h"

#include <dirent.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <sys/sendfile.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/xattr.h>
#include <unistd.h>

#include <climits>
#include <cstring>

#include "common/unique_fd.h"
#include "init/rootfs.h"

namespace runtime_ts {
namespace {

// An image may nest directories until our descriptors run out (two for each level); the error should say so.
constexpr int kMaxDepth = 200;

// Opens the entry that was looked at, not what took its place since: same inode or nothing. O_NONBLOCK, so that a
// fifo swapped in can't stop us before that check.
UniqueFd Reopen(int parent, const char* name, std::uint64_t flags, const struct stat& expected) {
  UniqueFd fd =
      OpenAt2(parent, name, flags | O_NOFOLLOW | O_NONBLOCK, RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS | RESOLVE_NO_XDEV);
  struct stat found {};
  if (fd && (fstat(fd.get(), &found) < 0 || found.st_ino != expected.st_ino || found.st_dev != expected.st_dev)) {
    errno = ESTALE;
    fd.reset();
  }
  return fd;
}

// Best effort: tmpfs takes user.* only since Linux 6.6, and security.* needs privileges.
void CopyAttributes(int from, int to) {
  char names[4096];
  char value[4096];
  const ssize_t size = flistxattr(from, names, sizeof names);
  for (ssize_t at = 0; at < size; at += static_cast<ssize_t>(strlen(names + at)) + 1) {
    const ssize_t length = fgetxattr(from, names + at, value, sizeof value);
    if (length >= 0) static_cast<void>(fsetxattr(to, names + at, value, static_cast<std::size_t>(length), 0));
  }
}

// The owner before the mode: a change of owner clears set-user-id bits.
bool CopyOwner(int fd, const struct stat& from) {
  return fchown(fd, from.st_uid, from.st_gid) == 0 && fchmod(fd, from.st_mode & 07777) == 0;
}

Status CopyFile(int parent, int to, const char* name, const struct stat& attributes) {
  const UniqueFd source = Reopen(parent, name, O_RDONLY, attributes);
  if (!source) return Status::Errno("openat2", name);
  const UniqueFd copy(openat(to, name, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600));
  if (!copy) return Status::Errno("openat", name);
  for (;;) {
    const ssize_t moved = RetryOnEintr([&] { return sendfile(copy.get(), source.get(), nullptr, 1U << 20); });
    if (moved < 0) return Status::Errno("sendfile", name);
    if (moved == 0) break;
  }
  if (!CopyOwner(copy.get(), attributes)) return Status::Errno("fchown", name);
  CopyAttributes(source.get(), copy.get());
  return Status::Ok();
}

Status CopySymlink(int parent, int to, const char* name, const struct stat& attributes) {
  char target[PATH_MAX];
  const ssize_t length = readlinkat(parent, name, target, sizeof target - 1);
  if (length < 0) return Status::Errno("readlinkat", name);
  target[length] = '\0';
  if (symlinkat(target, to, name) < 0) return Status::Errno("symlinkat", name);
  if (fchownat(to, name, attributes.st_uid, attributes.st_gid, AT_SYMLINK_NOFOLLOW) < 0)
    return Status::Errno("fchownat", name);
  return Status::Ok();
}

// Devices, fifos and sockets: nodes without content. Nobody else sees `to` yet, so names in it are safe.
Status CopyNode(int to, const char* name, const struct stat& attributes) {
  if (mknodat(to, name, attributes.st_mode & (S_IFMT | 07777), attributes.st_rdev) < 0)
    return Status::Errno("mknodat", name);
  if (fchownat(to, name, attributes.st_uid, attributes.st_gid, AT_SYMLINK_NOFOLLOW) < 0 ||
      fchmodat(to, name, attributes.st_mode & 07777, 0) < 0)
    return Status::Errno("fchownat", name);
  return Status::Ok();
}

Status CopyDirectory(int from, int to, int depth);

Status CopySubdirectory(int parent, int to, const char* name, const struct stat& attributes, int depth) {
  const UniqueFd source = Reopen(parent, name, O_RDONLY | O_DIRECTORY, attributes);
  // A mount on the directory: its content is not the image's.
  if (!source && errno == EXDEV) return Status::Ok();
  if (!source) return Status::Errno("openat2", name);
  if (mkdirat(to, name, 0700) < 0) return Status::Errno("mkdirat", name);
  const UniqueFd copy(openat(to, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC));
  if (!copy) return Status::Errno("openat", name);
  RETURN_IF_FAILED(CopyDirectory(source.get(), copy.get(), depth + 1));
  if (!CopyOwner(copy.get(), attributes)) return Status::Errno("fchown", name);
  CopyAttributes(source.get(), copy.get());
  return Status::Ok();
}

Status CopyEntry(int from, int to, const char* name, int depth) {
  struct stat attributes {};
  if (fstatat(from, name, &attributes, AT_SYMLINK_NOFOLLOW) < 0) return Status::Errno("fstatat", name);
  switch (attributes.st_mode & S_IFMT) {
    case S_IFDIR:
      return CopySubdirectory(from, to, name, attributes, depth);
    case S_IFREG:
      return CopyFile(from, to, name, attributes);
    case S_IFLNK:
      return CopySymlink(from, to, name, attributes);
    default:
      return CopyNode(to, name, attributes);
  }
}

Status CopyDirectory(int from, int to, int depth) {
  if (depth > kMaxDepth) return Status::Make("openat2", ELOOP, "tmpcopyup: directories nested too deep");
  alignas(dirent64) char entries[2048];
  for (;;) {
    const long size = syscall(SYS_getdents64, from, entries, sizeof entries);
    if (size < 0) return Status::Errno("getdents64");
    if (size == 0) return Status::Ok();
    for (long at = 0; at < size;) {
      const auto* entry = reinterpret_cast<const dirent64*>(entries + at);
      at += entry->d_reclen;
      if (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0) continue;
      RETURN_IF_FAILED(CopyEntry(from, to, entry->d_name, depth));
    }
  }
}

}  // namespace

Status CopyUp(int from, int to, const char* destination) {
  const UniqueFd source = OpenAt2(from, ".", O_RDONLY | O_DIRECTORY, RESOLVE_BENEATH);
  if (!source) return Status::Errno("openat2", destination);
  // A root of a mount is no O_PATH descriptor that fchmod takes; this one is.
  const UniqueFd root(openat(to, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  struct stat attributes {};
  if (!root || fstat(source.get(), &attributes) < 0) return Status::Errno("openat", destination);
  RETURN_IF_FAILED(CopyDirectory(source.get(), root.get(), 0));
  if (fchown(root.get(), attributes.st_uid, attributes.st_gid) < 0) return Status::Errno("fchown", destination);
  CopyAttributes(source.get(), root.get());
  return Status::Ok();
}

}  // namespace runtime_ts
