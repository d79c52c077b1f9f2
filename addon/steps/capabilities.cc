// capabilities.bound, capabilities.apply, by the kernel's own calls: three 64-bit sets need no library.
#include <linux/capability.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cstdint>
#include <iterator>

#include "steps/steps.h"

namespace runtime_ts {
namespace {

// By number, as in linux/capability.h.
constexpr std::string_view kNames[] = {
    "CAP_CHOWN",
    "CAP_DAC_OVERRIDE",
    "CAP_DAC_READ_SEARCH",
    "CAP_FOWNER",
    "CAP_FSETID",
    "CAP_KILL",
    "CAP_SETGID",
    "CAP_SETUID",
    "CAP_SETPCAP",
    "CAP_LINUX_IMMUTABLE",
    "CAP_NET_BIND_SERVICE",
    "CAP_NET_BROADCAST",
    "CAP_NET_ADMIN",
    "CAP_NET_RAW",
    "CAP_IPC_LOCK",
    "CAP_IPC_OWNER",
    "CAP_SYS_MODULE",
    "CAP_SYS_RAWIO",
    "CAP_SYS_CHROOT",
    "CAP_SYS_PTRACE",
    "CAP_SYS_PACCT",
    "CAP_SYS_ADMIN",
    "CAP_SYS_BOOT",
    "CAP_SYS_NICE",
    "CAP_SYS_RESOURCE",
    "CAP_SYS_TIME",
    "CAP_SYS_TTY_CONFIG",
    "CAP_MKNOD",
    "CAP_LEASE",
    "CAP_AUDIT_WRITE",
    "CAP_AUDIT_CONTROL",
    "CAP_SETFCAP",
    "CAP_MAC_OVERRIDE",
    "CAP_MAC_ADMIN",
    "CAP_SYSLOG",
    "CAP_WAKE_ALARM",
    "CAP_BLOCK_SUSPEND",
    "CAP_AUDIT_READ",
    "CAP_PERFMON",
    "CAP_BPF",
    "CAP_CHECKPOINT_RESTORE",
};
static_assert(std::size(kNames) == CAP_LAST_CAP + 1);
static_assert(kNames[CAP_SYS_ADMIN] == "CAP_SYS_ADMIN" && kNames[CAP_CHECKPOINT_RESTORE] == "CAP_CHECKPOINT_RESTORE");

// An unknown name has no bit: the specification wants a warning for it, which the plan's compiler gave.
std::uint64_t Set(const JsonValue& step, const char* key) {
  std::uint64_t set = 0;
  JsonForEach(step, key, [&](const JsonValue& value) {
    for (std::size_t i = 0; i < std::size(kNames); i++) {
      if (kNames[i] == JsonText(value)) set |= std::uint64_t{1} << i;
    }
  });
  return set;
}

bool Has(std::uint64_t set, int capability) { return (set >> capability & 1) != 0; }

}  // namespace

Status steps::BoundCapabilities(Context&, const JsonValue& step) {
  const std::uint64_t keep = Set(step, "keep");
  // Up to what this kernel knows, which may be more than our headers do: EINVAL is the end.
  for (int capability = 0; capability < 64; capability++) {
    if (Has(keep, capability)) continue;
    if (prctl(PR_CAPBSET_DROP, capability, 0, 0, 0) == 0) continue;
    if (errno == EINVAL) break;
    return Status::Errno("prctl", "PR_CAPBSET_DROP");
  }
  return Status::Ok();
}

Status steps::ApplyCapabilities(Context&, const JsonValue& step) {
  const std::uint64_t effective = Set(step, "effective");
  const std::uint64_t permitted = Set(step, "permitted");
  const std::uint64_t inheritable = Set(step, "inheritable");
  const std::uint64_t ambient = Set(step, "ambient");

  __user_cap_header_struct header{_LINUX_CAPABILITY_VERSION_3, 0};
  __user_cap_data_struct sets[2] = {};
  for (unsigned half = 0; half < 2; half++) {
    sets[half].effective = static_cast<std::uint32_t>(effective >> (32 * half));
    sets[half].permitted = static_cast<std::uint32_t>(permitted >> (32 * half));
    sets[half].inheritable = static_cast<std::uint32_t>(inheritable >> (32 * half));
  }
  if (syscall(SYS_capset, &header, sets) < 0) return Status::Errno("capset");
  if (JsonMember(step, "ambient") == nullptr) return Status::Ok();

  if (prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0) < 0) return Status::Errno("prctl", "PR_CAP_AMBIENT");
  for (int capability = 0; capability <= CAP_LAST_CAP; capability++) {
    if (!Has(ambient, capability)) continue;
    // EPERM: not both permitted and inheritable. `runc spec` itself has written such sets, so it can't be an error.
    if (prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_RAISE, capability, 0, 0) < 0 && errno != EPERM)
      return Status::Errno("prctl", "PR_CAP_AMBIENT_RAISE");
  }
  return Status::Ok();
}

}  // namespace runtime_ts
