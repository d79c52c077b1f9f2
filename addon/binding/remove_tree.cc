#include "binding/remove_tree.h"

#include <dirent.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cstring>
#include <memory>

#include "common/unique_fd.h"

namespace runtime_ts {
namespace {

// State directories are two deep; the limit bounds descriptors and stack.
constexpr int kMaxDepth = 64;

struct CloseDirectory {
  void operator()(DIR* directory) const { closedir(directory); }
};

int OpenBelow(int parent, const char* name) {
  open_how how{};
  how.flags = O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC;
  how.resolve = RESOLVE_BENEATH | RESOLVE_NO_XDEV | RESOLVE_NO_SYMLINKS;
  return static_cast<int>(syscall(SYS_openat2, parent, name, &how, sizeof how));
}

Failure RemoveEntry(int parent, const char* name, const std::string& path, int depth);

Failure Empty(UniqueFd fd, const std::string& path, int depth) {
  const std::unique_ptr<DIR, CloseDirectory> directory(fdopendir(fd.get()));
  if (!directory) return Failed("fdopendir", path);
  const int own = fd.release();
  errno = 0;
  while (const dirent* entry = readdir(directory.get())) {
    if (std::strcmp(entry->d_name, ".") == 0 || std::strcmp(entry->d_name, "..") == 0) continue;
    if (Failure failure = RemoveEntry(own, entry->d_name, path + "/" + entry->d_name, depth)) return failure;
    errno = 0;
  }
  return errno == 0 ? Failure{} : Failed("getdents64", path);
}

Failure RemoveEntry(int parent, const char* name, const std::string& path, int depth) {
  if (unlinkat(parent, name, 0) == 0 || errno == ENOENT) return {};
  // EISDIR is what Linux says for a directory; EPERM is what POSIX says, and some filesystems follow it.
  if (errno != EISDIR && errno != EPERM) return Failed("unlink", path);
  if (depth == kMaxDepth) return {"unlink", ELOOP, path};

  UniqueFd directory(OpenBelow(parent, name));
  if (!directory) return errno == ENOENT ? Failure{} : Failed("openat2", path);
  if (Failure failure = Empty(std::move(directory), path, depth + 1)) return failure;
  if (unlinkat(parent, name, AT_REMOVEDIR) == -1 && errno != ENOENT) return Failed("rmdir", path);
  return {};
}

}  // namespace

Failure RemoveTreeAt(const std::string& path) {
  const std::size_t end = path.find_last_not_of('/');
  if (end == std::string::npos) return {"unlink", EINVAL, path};  // empty, or the root directory
  const std::string trimmed = path.substr(0, end + 1);
  const std::size_t slash = trimmed.rfind('/');
  const std::string name = slash == std::string::npos ? trimmed : trimmed.substr(slash + 1);
  const std::string parent = slash == std::string::npos ? "." : trimmed.substr(0, slash + 1);
  if (name == "." || name == "..") return {"unlink", EINVAL, path};

  const UniqueFd directory(open(parent.c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC));
  if (!directory) return errno == ENOENT ? Failure{} : Failed("open", parent);
  return RemoveEntry(directory.get(), name.c_str(), trimmed, 0);
}

}  // namespace runtime_ts
