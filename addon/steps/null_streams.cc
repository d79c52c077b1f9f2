#include "steps/null_streams.h"

#include <fcntl.h>
#include <linux/openat2.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

namespace runtime_ts {
namespace {

// By what it is, not by its name: an image, or who shares a volume with it, may put anything there (CVE-2025-31133).
bool IsNull(int fd) {
  struct stat status {};
  return fstat(fd, &status) == 0 && S_ISCHR(status.st_mode) && status.st_rdev == makedev(1, 3);
}

UniqueFd OpenOwnNull(const Rootfs& rootfs) {
  // Looked at before it is opened for use: opening another device, or a FIFO, can do something.
  if (const UniqueFd found = rootfs.Open("/dev/null", 0, RESOLVE_NO_SYMLINKS); !found || !IsNull(found.get()))
    return {};
  UniqueFd own = OpenAt2(rootfs.fd(), "/dev/null", O_RDWR | O_NOCTTY | O_CLOEXEC,
                         RESOLVE_IN_ROOT | RESOLVE_NO_SYMLINKS | RESOLVE_NO_MAGICLINKS);
  if (!own || !IsNull(own.get())) return {};
  return own;
}

}  // namespace

void UseOwnNull(const Context& context) {
  UniqueFd own;
  for (int fd = STDIN_FILENO; fd <= STDERR_FILENO; fd++) {
    if (!IsNull(fd)) continue;
    if (!own) own = OpenOwnNull(context.rootfs);
    if (!own || dup2(own.get(), fd) < 0) return;
  }
}

}  // namespace runtime_ts
