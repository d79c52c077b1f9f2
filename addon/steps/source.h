// Host paths that the container's root may not search to: 0700 directories on the way to a volume or to the bundle.
#pragma once

#include "init/context.h"

namespace runtime_ts {

// O_PATH descriptor of the current step's source (mount.bind, device.bind) or path (root.open), opened by the engine.
Status AskForSource(Context& context, UniqueFd* opened);

// open_tree(2) with OPEN_TREE_CLONE and `flags`, by way of the engine where this process may not search.
Status CloneHostTree(Context& context, const char* path, unsigned flags, UniqueFd* mount);

}  // namespace runtime_ts
