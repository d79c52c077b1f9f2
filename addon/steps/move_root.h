#pragma once

#include "init/context.h"

namespace runtime_ts {

// --no-pivot: the rootfs is moved over / and becomes the root by chroot, for hosts that run from an initramfs, which
// pivot_root(2) refuses.
Status MoveRoot(Context& context);

}  // namespace runtime_ts
