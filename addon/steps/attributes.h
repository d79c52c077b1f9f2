// Mount attributes and propagation: from the plan's words to mount_setattr(2).
#pragma once

#include <sys/mount.h>

#include <cstdint>
#include <string_view>

#include "common/json.h"
#include "init/failure.h"

namespace runtime_ts {

// An `attributeChange` of the plan. False for an unknown word.
bool ParseAttributes(const JsonValue* change, mount_attr* attributes);

// MS_SHARED and friends, with MS_REC for the r-forms; 0 for an unknown word.
std::uint64_t ParsePropagation(std::string_view word);

// mount_setattr of the mount whose root `mount` is.
Status ApplyAttributes(int mount, const mount_attr& attributes, bool recursive, const char* destination);

// `recursive` of a mount step. Without one there is nothing to do.
Status ApplyRecursiveAttributes(int mount, const JsonValue& step, const char* destination);

// Applies the step's `propagation` in order; each change is a call of its own, because the kernel takes one at a time.
Status ApplyPropagation(int mount, const JsonValue& step, const char* destination);

}  // namespace runtime_ts
