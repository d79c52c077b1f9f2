#pragma once

#include <string>

#include "binding/failure.h"

namespace runtime_ts {

// Removes `path` and everything below it. Follows no symlink below the parent of `path` and enters no mount: what is
// mounted there (a container's root bound into the state directory, say) fails with EXDEV or EBUSY instead of being
// emptied. A missing path is fine.
Failure RemoveTreeAt(const std::string& path);

}  // namespace runtime_ts
