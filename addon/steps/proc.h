#pragma once

#include "init/context.h"

namespace runtime_ts {

// The host's /proc, verified to be the root of a procfs. Invalid with errno set when it is not.
UniqueFd OpenHostProc();

// Makes context.proc: a procfs for this pid namespace that no path leads to.
Status OpenPrivateProc(Context& context);

}  // namespace runtime_ts
