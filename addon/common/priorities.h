// process.scheduler and process.ioPriority: set by the init on itself, or by the engine, which has CAP_SYS_NICE where
// it counts when the container has a user namespace of its own.
#pragma once

#include <sys/types.h>

#include "common/json.h"

namespace runtime_ts {

// `pid` 0 is the caller. Both return nullptr, or the name of what failed, with errno set: a system call, or "plan".
const char* ApplyScheduler(const JsonValue& step, pid_t pid);
// For the process group that `pid` leads, as the specification has it.
const char* ApplyIoPriority(const JsonValue& step, pid_t pid);

}  // namespace runtime_ts
