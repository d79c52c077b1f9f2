// The container's root file system, seen through one descriptor.
//
// Its content is hostile, and other containers may change shared volumes while we look. So there are no paths here:
// every lookup is one openat2(RESOLVE_IN_ROOT) from the root's descriptor, everything that is created is created in a
// parent that is already held open, and what comes out is a descriptor of the very object that was checked.
// (CVE-2021-30465, CVE-2024-45310, CVE-2026-41579, CVE-2026-47766.)
#pragma once

#include <sys/types.h>

#include <cstdint>

#include "common/unique_fd.h"
#include "init/failure.h"

namespace runtime_ts {

// openat2(2) that tries again when a rename or mount elsewhere disturbed the walk (EAGAIN).
UniqueFd OpenAt2(int directory, const char* path, std::uint64_t flags, std::uint64_t resolve, mode_t mode = 0);

// The parent of an entry that is about to be made, and the entry's name in it.
struct Entry {
  UniqueFd parent;
  char name[256];
};

class Rootfs {
 public:
  enum class Kind { kDirectory, kFile };

  Rootfs() = default;
  explicit Rootfs(UniqueFd root) : root_(std::move(root)) {}

  [[nodiscard]] int fd() const { return root_.get(); }
  explicit operator bool() const { return static_cast<bool>(root_); }

  // O_PATH descriptor of what the container path names, symlinks resolved inside the root, magic links refused.
  // Invalid with errno set when there is none. `resolve` adds RESOLVE_* flags.
  [[nodiscard]] UniqueFd Open(const char* path, std::uint64_t flags = 0, std::uint64_t resolve = 0) const;

  // The same, made when it is missing, with its missing parents (mode 0755). The target of a dangling symlink is made
  // too: images have /var/run -> /run without a /run. What exists is returned as it is, of whatever type.
  Status Create(const char* path, Kind kind, mode_t mode, UniqueFd* found) const;

  // Parents are made when they are missing; the last component is left alone.
  Status OpenParent(const char* path, Entry* entry) const;

 private:
  UniqueFd root_;
};

}  // namespace runtime_ts
