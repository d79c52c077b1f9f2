// A user namespace that exists only for its id maps.
#pragma once

#include <string>

#include "binding/failure.h"
#include "common/unique_fd.h"

namespace runtime_ts {

// Makes a user namespace with these maps (lines of user_namespaces(7): inside, outside, count) that no process is in
// once this returns.
Failure MakeUserNamespace(const std::string& uid_map, const std::string& gid_map, UniqueFd* made);

// The user namespace of a process.
Failure OpenUserNamespace(pid_t pid, UniqueFd* found);

}  // namespace runtime_ts
