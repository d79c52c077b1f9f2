#include "binding/init_image.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/statvfs.h>

#include <string>
#include <string_view>

#include "binding/file_content.h"

#ifndef MFD_EXEC
#define MFD_EXEC 0x0010U  // Linux 6.3
#endif

extern "C" {
__attribute__((visibility("hidden"))) extern const char runtime_ts_init_begin[];
__attribute__((visibility("hidden"))) extern const char runtime_ts_init_end[];
}

namespace runtime_ts {
namespace {

constexpr char kName[] = "runtime-ts-init";

std::string_view Program() {
  return {runtime_ts_init_begin, static_cast<std::size_t>(runtime_ts_init_end - runtime_ts_init_begin)};
}

// The seals keep a container from writing to the program through /proc/PID/exe (CVE-2019-5736).
Failure OpenMemory(UniqueFd* image) {
  constexpr unsigned kFlags = MFD_CLOEXEC | MFD_ALLOW_SEALING;
  image->reset(memfd_create(kName, kFlags | MFD_EXEC));
  if (!*image && errno == EINVAL) image->reset(memfd_create(kName, kFlags));  // before Linux 6.3
  if (!*image) return Failed("memfd_create", "(vm.memfd_noexec=2 forbids executable ones)");
  if (Failure failure = WriteWhole(image->get(), Program(), kName)) return failure;
  if (fcntl(image->get(), F_ADD_SEALS, F_SEAL_WRITE | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL) == -1) {
    return Failed("fcntl", "F_ADD_SEALS");
  }
  return {};
}

// Whether programs may be run from a filesystem that nobody but root (or this user) controls.
bool IsUsable(int file, const struct stat& directory) {
  struct statvfs filesystem {};
  if (fstatvfs(file, &filesystem) == -1 || (filesystem.f_flag & ST_NOEXEC) != 0) return false;
  return directory.st_uid == 0 || directory.st_uid == geteuid();
}

// O_TMPFILE never gives the file a name, so there is nothing to guess, to race for, or to clean up.
Failure OpenFile(const char* directory, UniqueFd* image) {
  struct stat status {};
  if (stat(directory, &status) == -1) return Failed("stat", directory);
  const UniqueFd file(open(directory, O_TMPFILE | O_RDWR | O_CLOEXEC, 0500));
  if (!file) return Failed("open", directory);
  if (!IsUsable(file.get(), status)) return {"open", EACCES, directory};
  if (Failure failure = WriteWhole(file.get(), Program(), directory)) return failure;
  // A file that is open for writing can't be executed (ETXTBSY): the image is a second, read-only open.
  const std::string link = "/proc/self/fd/" + std::to_string(file.get());
  image->reset(open(link.c_str(), O_RDONLY | O_CLOEXEC));
  return *image ? Failure{} : Failed("open", link);
}

}  // namespace

Failure OpenInitImage(ImageKind kind, UniqueFd* image) {
  if (kind == ImageKind::kMemory) return OpenMemory(image);
  Failure failure;
  // Not /run: Debian mounts it noexec. /tmp last: often noexec, too, and the least trusted.
  for (const char* directory : {"/var/lib", "/var/cache", "/usr/lib", "/tmp"}) {
    failure = OpenFile(directory, image);
    if (!failure) return {};
  }
  return failure;
}

}  // namespace runtime_ts
