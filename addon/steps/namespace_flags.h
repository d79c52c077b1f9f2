#pragma once

#include <string_view>

#include "init/failure.h"

namespace runtime_ts {

// CLONE_NEW* of a namespace type of the plan, 0 for an unknown one.
int NamespaceFlag(std::string_view type);

// PR_SET_DUMPABLE 0: processes that are in the joined namespaces already must neither ptrace us nor open our /proc
// entries while we still hold descriptors of the host (CVE-2016-9962). The exec of the program ends it.
Status HideFromContainer();

}  // namespace runtime_ts
