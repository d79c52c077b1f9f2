// Whole contents of host files.
#pragma once

#include <string>
#include <string_view>

#include "binding/failure.h"

namespace runtime_ts {

Failure ReadWhole(const std::string& path, std::string* content);

// From where the descriptor stands to its end; `path` is for the failure.
Failure ReadToEnd(int fd, const std::string& path, std::string* content);

// Everything, in as many write(2) calls as it takes.
Failure WriteWhole(int fd, std::string_view text, const std::string& path);

// One write(2): cgroupfs and procfs take a value as a whole or not at all.
Failure WriteOnce(const std::string& path, std::string_view text);

}  // namespace runtime_ts
