// Host paths for an init that has become the root of a user namespace.
//
// That root may search no directory that only its owner may: a volume below /var/lib/kubelet/pods (0750), a bundle in
// somebody's home. runc and crun open such sources with the rights of their caller. Here a process that still has them
// waits at a socket, until the root changes, and opens in the container's mount namespace what the init was refused: a
// mount from there keeps the flags that the kernel locks for the user namespace, which a copy made outside of it would
// not have.
#pragma once

#include "init/context.h"

namespace runtime_ts {

// The two ends: `asking` for the init, `serving` for the process that keeps its rights.
Status MakeOpener(UniqueFd* asking, UniqueFd* serving);

// Answers until the other end is closed, and exits. All other descriptors are closed first.
[[noreturn]] void ServeOpener(UniqueFd serving);

// O_PATH descriptor of a host path, symlinks followed, by way of the opener where this process may not search.
// Invalid with errno set. `flags`: further ones of open(2), without the opener.
UniqueFd OpenHostPath(const Context& context, const char* path, int flags = 0);

// open_tree(2) with OPEN_TREE_CLONE and `flags`, the same way.
UniqueFd CloneHostTree(const Context& context, const char* path, unsigned flags);

}  // namespace runtime_ts
