#pragma once

#include <string>

namespace runtime_ts {

// The build id that the linker put in this shared object: a hash over its content, the embedded init included.
std::string BuildId();

}  // namespace runtime_ts
