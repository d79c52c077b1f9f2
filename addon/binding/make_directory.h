// Making host directories.
#pragma once

#include <sys/types.h>

#include <string>

#include "binding/failure.h"

namespace runtime_ts {

// An existing directory is fine; `made` tells. Anything else of that name is EEXIST.
Failure MakeOneDirectory(const std::string& path, mode_t mode, bool* made);

// With the missing parents.
Failure MakeDirectories(const std::string& path, mode_t mode, bool* made);

}  // namespace runtime_ts
