// The ids of a mount (`idmap` of mount.bind and mount.filesystem).
#pragma once

#include "init/context.h"

namespace runtime_ts {

// Has the engine map the ids of a mount that is attached nowhere yet; no-op without `idmap`. The kernel (since 5.12)
// wants CAP_SYS_ADMIN in the user namespace of the file system's superblock for that, which for a file system of the
// host is the host's own: in a user namespace of its own this process can't do it. The engine can, through the same
// descriptor, and what was cloned here keeps the flags that are locked here.
Status MapMountIds(Context& context, const JsonValue& step, int mount);

}  // namespace runtime_ts
