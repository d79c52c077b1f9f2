#pragma once

#include "common/json.h"
#include "init/failure.h"

namespace runtime_ts {

// Gives the step's list `key` (`options` or `superblock`) to a file system context made by fsopen or fspick.
Status SetFilesystemOptions(int context, const JsonValue& step, const char* key);

// FSCONFIG_CMD_*, with the kernel's own message when it fails.
Status CommandFilesystem(int context, int command, const char* what);

}  // namespace runtime_ts
