#pragma once

#include <sys/resource.h>

namespace runtime_ts {

// The RLIMIT_NOFILE that this process was started with, when the engine has changed it since. False: it is as it was,
// or nobody knows.
bool CallerOpenFilesLimit(rlimit* limit);

}  // namespace runtime_ts
