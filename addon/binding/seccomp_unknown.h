#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace runtime_ts {

// Puts before a filter: a system call with a number above every one that the profile names fails with ENOSYS.
//
// Profiles are lists of what was known when they were written. A newer libc tries a newer call first and falls back on
// ENOSYS; the profile's EPERM it reports as an error (clone3 and faccessat2 broke containers that way). runc does the
// same since 1.0.0-rc93, so profiles in use rely on it. Filters that let unnamed calls through need none of it.
void PrependUnknown(std::uint32_t default_action, const std::vector<std::uint32_t>& architectures,
                    const std::vector<std::string>& known, std::vector<unsigned char>* program);

}  // namespace runtime_ts
