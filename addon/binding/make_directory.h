// Making host directories.
#pragma once

#include <sys/types.h>

#include <string>
#include <vector>

#include "binding/failure.h"

namespace runtime_ts {

// An existing directory is fine; `made` tells. Anything else of that name is EEXIST.
Failure MakeOneDirectory(const std::string& path, mode_t mode, bool* made);

// With the missing parents; those that were made are appended to `parents`.
Failure MakeDirectories(const std::string& path, mode_t mode, bool* made, std::vector<std::string>* parents = nullptr);

}  // namespace runtime_ts
