// What one step leaves for the next ones.
#pragma once

#include <sys/types.h>

#include <cstdint>

#include "common/buffer.h"
#include "common/json.h"
#include "common/unique_fd.h"
#include "init/channel.h"
#include "init/joined.h"
#include "init/rootfs.h"
#include "steps/string_array.h"

namespace runtime_ts {

// A detached mount that is attached in many places. A detached tree itself can't be cloned (Linux 6.15 is the first
// that allows it), so the first place gets the mount and all others get clones of that one.
struct MaskSource {
  UniqueFd mount;
  bool attached = false;
};

struct Context {
  explicit Context(int channel_fd) : channel(channel_fd), first_private_fd(channel_fd) {}

  Channel channel;
  // 3 + preserveFds: the container's program gets the descriptors below, none from here on.
  int first_private_fd;

  // How this program was started.
  uid_t started_as = 0;
  mode_t caller_umask = 022;
  // In a user namespace other than the one it was started in.
  bool in_user_namespace = false;

  // The part of the plan that runs now, and the text it was parsed in.
  Buffer plan_text;
  JsonDocument plan;
  const JsonValue* steps = nullptr;
  // The step that runs now, counted over all parts.
  std::uint32_t index = 0;
  // Microseconds of each step so far, with room for those of this part; null without plan.trace.
  std::uint32_t* times = nullptr;

  Rootfs rootfs;
  // The host's / and /proc and a clone of its /dev/null, all taken before the root changes; see LeaveHost.
  UniqueFd host_root;
  UniqueFd host_proc;
  // /proc/self/timens_offsets, opened while we were still its owner; see time_namespace.h.
  UniqueFd time_offsets;
  MaskSource null_device;
  MaskSource empty_directory;
  // Whether mounts may still propagate to the host, so that the old root must not be unmounted as it is.
  bool may_propagate = true;

  // For exec.
  JoinedContainer joined;

  // A procfs of our own, that no mount in the container can cover; see proc.h.
  UniqueFd proc;

  // Where hooks that run in the container write; none: what they write is captured.
  UniqueFd hook_stdout;
  UniqueFd hook_stderr;

  // What process.lookup found, and what process.home made: HOME=...
  Buffer executable;
  Buffer home;
  // What exec needs, made before a filter that may forbid to allocate; and what must not be freed under such a filter.
  StringArray arguments;
  StringArray environment;
  char listen_pid[24] = {};
  Buffer filter;
  Buffer listener_frames;

  // Gives up every directory that is not the container's. Before the kernel walks the first path of the image for us:
  // /proc/self/fd/N in it is a way through our descriptors, and close-on-exec ones are open until execve has found the
  // program and its interpreter (CVE-2024-21626).
  void LeaveHost() {
    host_root.reset();
    host_proc.reset();
    proc.reset();
  }
};

}  // namespace runtime_ts
