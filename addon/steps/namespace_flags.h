#pragma once

#include <string_view>

#include "common/json.h"
#include "init/failure.h"

namespace runtime_ts {

// CLONE_NEW* of a namespace type of the plan, 0 for an unknown one.
int NamespaceFlag(std::string_view type);

// Root of the user namespace that we are in. Its capabilities are ours already, but files that we make must belong to
// it, and the exec of a hook must not lose them. Where 0 is not mapped, `uid` and `gid` of the step.
Status BecomeRoot(const JsonValue& step);

// PR_SET_DUMPABLE 0: processes that are in the joined namespaces already must neither ptrace us nor open our /proc
// entries while we still hold descriptors of the host (CVE-2016-9962). The exec of the program ends it.
Status HideFromContainer();

}  // namespace runtime_ts
