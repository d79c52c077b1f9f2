// What exec holds of the container that it enters, from container.join to container.enter.
#pragma once

#include "common/json.h"
#include "common/unique_fd.h"

namespace runtime_ts {

struct JoinedContainer {
  // More hierarchies than cgroup v1 has controllers.
  static constexpr int kMaxHierarchies = 32;

  // The `tasks` files of its v1 cgroups, and the list in the plan that names their directories.
  UniqueFd tasks[kMaxHierarchies];
  const JsonValue* directories = nullptr;
  // The directory of its v2 cgroup, for clone.
  UniqueFd cgroup;
  // `cgroup.procs` in it, opened before the container's user namespace was entered; none where that has not to be.
  UniqueFd procs;
  // Entered only when the process is in that cgroup: seen from inside, the way there would begin outside.
  UniqueFd cgroup_namespace;
  // Its root, where it shares the mount namespace of the host.
  UniqueFd root;
  bool user_namespace = false;
};

}  // namespace runtime_ts
