#include "init/rootfs.h"

#include <fcntl.h>
#include <linux/magic.h>
#include <linux/openat2.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/vfs.h>
#include <unistd.h>

#include <climits>
#include <cstdio>
#include <cstring>

namespace runtime_ts {
namespace {

// The kernel gives up a RESOLVE_IN_ROOT walk with EAGAIN whenever any rename or mount on the system may have moved a
// ".." below it. A hostile neighbour can provoke that for ever, an honest one can't 128 times in a row.
constexpr int kOpenTries = 128;
constexpr int kMaxSymlinks = 40;
constexpr mode_t kParentMode = 0755;

struct Path {
  char text[PATH_MAX];
};

bool Copy(const char* from, Path* to) { return snprintf(to->text, sizeof to->text, "%s", from) < PATH_MAX; }

// The deepest directory above `path` that exists. `*rest` is where in `path` the missing part begins.
UniqueFd OpenExistingParent(const Rootfs& rootfs, const char* path, const char** rest) {
  Path prefix;
  if (!Copy(path, &prefix)) {
    errno = ENAMETOOLONG;
    return {};
  }
  std::size_t end = strlen(prefix.text);
  for (;;) {
    while (end > 0 && prefix.text[end - 1] == '/') end--;
    while (end > 0 && prefix.text[end - 1] != '/') end--;
    prefix.text[end] = '\0';
    *rest = path + end;
    UniqueFd parent = rootfs.Open(end == 0 ? "/" : prefix.text, O_DIRECTORY);
    if (parent || errno != ENOENT || end == 0) return parent;
  }
}

// Cuts the next component off `*rest`. False when none is left.
bool NextComponent(const char** rest, char (&name)[NAME_MAX + 1], bool* too_long) {
  while (**rest == '/') ++*rest;
  const std::size_t length = strcspn(*rest, "/");
  *too_long = length > NAME_MAX;
  if (length == 0 || *too_long) return false;
  memcpy(name, *rest, length);
  name[length] = '\0';
  *rest += length;
  while (**rest == '/') ++*rest;
  return true;
}

// The path again with the symlink `link`, whose name ends before `rest`, replaced by its target.
Status Expand(int link, const char* path, const char* rest, Path* expanded) {
  // The links of procfs are no text to follow: what /proc/self/fd/7 says is a name on the host, or of a moment.
  struct statfs file_system {};
  if (fstatfs(link, &file_system) < 0) return Status::Errno("fstatfs", path);
  if (file_system.f_type == PROC_SUPER_MAGIC) return Status::Make("openat2", ELOOP, path);

  Path target;
  const ssize_t length = readlinkat(link, "", target.text, sizeof target.text - 1);
  if (length < 0) return Status::Errno("readlinkat", path);
  target.text[length] = '\0';

  const char* name = rest;
  while (name > path && name[-1] == '/') name--;
  while (name > path && name[-1] != '/') name--;
  const int before = target.text[0] == '/' ? 0 : static_cast<int>(name - path);
  const int size = snprintf(expanded->text, sizeof expanded->text, "%.*s%s/%s", before, path, target.text, rest);
  return size < PATH_MAX ? Status::Ok() : Status::Make("openat2", ENAMETOOLONG, path);
}

}  // namespace

UniqueFd OpenAt2(int directory, const char* path, std::uint64_t flags, std::uint64_t resolve, mode_t mode) {
  open_how how{};
  how.flags = flags | O_CLOEXEC;
  how.mode = mode;
  how.resolve = resolve;
  for (int tries = 0;; tries++) {
    const long fd = syscall(SYS_openat2, directory, path, &how, sizeof how);
    if (fd >= 0 || (errno != EAGAIN && errno != EINTR) || tries == kOpenTries) return UniqueFd(static_cast<int>(fd));
  }
}

UniqueFd Rootfs::Open(const char* path, std::uint64_t flags, std::uint64_t resolve) const {
  return OpenAt2(root_.get(), path, O_PATH | flags, RESOLVE_IN_ROOT | RESOLVE_NO_MAGICLINKS | resolve);
}

Status Rootfs::Create(const char* path, Kind kind, mode_t mode, UniqueFd* found) const {
  Path current;
  Path next;
  if (!Copy(path, &current)) return Status::Make("openat2", ENAMETOOLONG, path);

  for (int symlinks = 0; symlinks < kMaxSymlinks; symlinks++) {
    *found = Open(current.text);
    if (*found) return Status::Ok();
    if (errno != ENOENT) return Status::Errno("openat2", path);

    const char* rest = nullptr;
    UniqueFd parent = OpenExistingParent(*this, current.text, &rest);
    if (!parent) return Status::Errno("openat2", path);

    bool dangling = false;
    bool too_long = false;
    char name[NAME_MAX + 1];
    while (!dangling && NextComponent(&rest, name, &too_long)) {
      const bool last = *rest == '\0';
      // Only a symlink's target can bring one (the plan's paths are normalised), and its parent does not exist.
      if (strcmp(name, "..") == 0) return Status::Make("openat2", ENOENT, path);
      if (strcmp(name, ".") == 0) continue;

      const bool file = last && kind == Kind::kFile;
      const int made = file ? mknodat(parent.get(), name, S_IFREG | mode, 0)
                            : mkdirat(parent.get(), name, last ? mode : kParentMode);
      if (made < 0 && errno != EEXIST) return Status::Errno(file ? "mknodat" : "mkdirat", path);

      UniqueFd child = OpenAt2(parent.get(), name, O_PATH | O_NOFOLLOW, RESOLVE_BENEATH | RESOLVE_NO_MAGICLINKS);
      struct stat attributes {};
      if (!child) return Status::Errno("openat2", path);
      if (fstat(child.get(), &attributes) < 0) return Status::Errno("fstat", path);
      if (S_ISLNK(attributes.st_mode)) {
        RETURN_IF_FAILED(Expand(child.get(), current.text, rest, &next));
        dangling = true;
      } else if (!last && !S_ISDIR(attributes.st_mode)) {
        return Status::Make("openat2", ENOTDIR, path);
      }
      parent = std::move(child);
    }
    if (too_long) return Status::Make("openat2", ENAMETOOLONG, path);
    if (!dangling) {
      *found = std::move(parent);
      return Status::Ok();
    }
    current = next;
  }
  return Status::Make("openat2", ELOOP, path);
}

Status Rootfs::OpenParent(const char* path, Entry* entry) const {
  Path parent;
  if (!Copy(path, &parent)) return Status::Make("openat2", ENAMETOOLONG, path);
  std::size_t end = strlen(parent.text);
  while (end > 0 && parent.text[end - 1] == '/') parent.text[--end] = '\0';
  char* slash = strrchr(parent.text, '/');
  const char* name = slash == nullptr ? parent.text : slash + 1;
  if (*name == '\0' || strcmp(name, ".") == 0 || strcmp(name, "..") == 0) return Status::Make("openat2", EINVAL, path);
  if (snprintf(entry->name, sizeof entry->name, "%s", name) >= static_cast<int>(sizeof entry->name))
    return Status::Make("openat2", ENAMETOOLONG, path);

  if (slash != nullptr) *slash = '\0';
  RETURN_IF_FAILED(Create(slash == nullptr || slash == parent.text ? "/" : parent.text, Kind::kDirectory, kParentMode,
                          &entry->parent));
  struct stat attributes {};
  if (fstat(entry->parent.get(), &attributes) < 0) return Status::Errno("fstat", path);
  return S_ISDIR(attributes.st_mode) ? Status::Ok() : Status::Make("openat2", ENOTDIR, path);
}

}  // namespace runtime_ts
