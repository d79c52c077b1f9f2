// libseccomp behind one call.
#pragma once

#include <string>
#include <vector>

#include "binding/failure.h"

namespace runtime_ts {

// `2.5.4`.
std::string LibseccompVersion();

// A normalised profile (JSON, made by src/plan/seccomp.ts) to struct sock_filter[].
Failure CompileFilter(const std::string& profile, std::vector<unsigned char>* program);

}  // namespace runtime_ts
