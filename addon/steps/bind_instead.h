#pragma once

#include "init/context.h"
#include "init/failure.h"

namespace runtime_ts {

// In place of a new file system that the kernel does not let us mount: what the host has at `source`, with all that is
// mounted below it, because a user namespace can't tear mounts apart that it got together (EINVAL). The step's
// attributes are for the whole tree, so that read-only means all of it.
Status BindInstead(Context& context, const JsonValue& step, const char* source);

}  // namespace runtime_ts
