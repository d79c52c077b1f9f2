// Names and texts of errno values.
#pragma once

#include <cstddef>

namespace runtime_ts {

// `ENOENT`, or `EUNKNOWN` for a number that libc has no name for.
const char* ErrnoName(int number);

// The text as Go prints it ("no such file or directory"): engines compare the tail of runc's messages with it.
// libc's differs only by a capital first letter. Returns `into`.
const char* ErrnoText(int number, char* into, std::size_t size);

}  // namespace runtime_ts
