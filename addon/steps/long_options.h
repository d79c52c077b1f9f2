#pragma once

#include "init/context.h"

namespace runtime_ts {

// fsconfig(2) takes values of at most 255 bytes, mount(2) a page of options: the `lowerdir` of an overlay can need it.
bool HasLongOption(const JsonValue& step);

// Mounts by mount(2) on the directory `target`, with the attributes of the step from the start.
Status MountWithLongOptions(const JsonValue& step, int target);

}  // namespace runtime_ts
