#pragma once

#include "binding/failure.h"
#include "common/unique_fd.h"

namespace runtime_ts {

// The embedded init as a descriptor that can be executed and that nobody can write to. A sealed memfd; where those
// must not be executed, an unnamed file.
enum class ImageKind { kMemory, kFile };
Failure OpenInitImage(ImageKind kind, UniqueFd* image);

}  // namespace runtime_ts
