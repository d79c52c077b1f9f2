// Where a mount goes: the destination as a descriptor, and the move of a finished mount onto it.
#pragma once

#include "init/context.h"

namespace runtime_ts {

// Directory at the container path, made when it is missing. `existed` says which.
Status OpenTargetDirectory(const Context& context, const char* destination, UniqueFd* target, bool* existed);

// The same for proc and sysfs, which an image must not send elsewhere by a symlink: an attacker's directory would get
// them while /proc stays its own (CVE-2019-19921, CVE-2023-27561, CVE-2025-54867).
Status OpenOrdinaryDirectory(const Context& context, const char* destination, UniqueFd* target);

// A symlink of the image must not bring a mount into /proc, where the plan lets nothing in but under its own name.
Status RefuseProcfs(const Context& context, int target, const char* destination);

// Attaches a detached mount on the very object that `target` is; no path is looked up again. A mount on / becomes the
// root file system for all later steps.
Status MoveMount(Context& context, UniqueFd& mount, int target, const char* destination);

// The root of the mount at a container path, as remount and propagation change need it.
Status OpenMountRoot(const Context& context, const char* destination, UniqueFd* root);

}  // namespace runtime_ts
