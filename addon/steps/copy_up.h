#pragma once

#include "init/failure.h"

namespace runtime_ts {

// Copies what is below the directory `from` (an O_PATH descriptor in the rootfs) into the directory `to`, the root of
// a file system that is attached nowhere yet, with modes, owners, times of nothing, and extended attributes where the
// new file system takes them. Symlinks are copied, never followed; other mounts are not entered.
Status CopyUp(int from, int to, const char* destination);

}  // namespace runtime_ts
