#pragma once

#include "init/context.h"

namespace runtime_ts {

// Standard streams that are the host's /dev/null become the container's, as with runc. Otherwise the container would
// hold a file of a mount that it cannot see, which criu cannot open again. Where the container has no such device, or
// may not open it, they stay what they are.
void UseOwnNull(const Context& context);

}  // namespace runtime_ts
