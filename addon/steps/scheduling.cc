// How the kernel treats the program: process.scheduler, process.ioPriority, process.affinity, process.memoryPolicy,
// process.personality. All of it survives exec.
#include <linux/mempolicy.h>
#include <sys/personality.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <climits>
#include <cstdint>
#include <iterator>

#include "common/priorities.h"
#include "common/words.h"
#include "steps/steps.h"

namespace runtime_ts {
namespace {

// 6 is newer (Linux 6.9) than the headers; a kernel without it says EINVAL.
constexpr Word kMemoryModes[] = {{"MPOL_DEFAULT", MPOL_DEFAULT}, {"MPOL_PREFERRED", MPOL_PREFERRED},
                                 {"MPOL_BIND", MPOL_BIND},       {"MPOL_INTERLEAVE", MPOL_INTERLEAVE},
                                 {"MPOL_LOCAL", MPOL_LOCAL},     {"MPOL_PREFERRED_MANY", 5},
                                 {"MPOL_WEIGHTED_INTERLEAVE", 6}};
constexpr Word kMemoryFlags[] = {{"MPOL_F_NUMA_BALANCING", 1U << 13},
                                 {"MPOL_F_RELATIVE_NODES", MPOL_F_RELATIVE_NODES},
                                 {"MPOL_F_STATIC_NODES", MPOL_F_STATIC_NODES}};
constexpr Word kDomains[] = {{"LINUX", PER_LINUX}, {"LINUX32", PER_LINUX32}};

// CPUs or NUMA nodes as the kernel takes them. The compiler of plans lets no larger number through.
constexpr unsigned kBits = 8192;
constexpr unsigned kWordBits = sizeof(unsigned long) * CHAR_BIT;
struct BitMask {
  unsigned long words[kBits / kWordBits] = {};
  bool Read(const JsonValue& step, const char* key) {
    bool fits = true;
    JsonForEach(step, key, [&](const JsonValue& number) {
      if (number.IsUint() && number.GetUint() < kBits) {
        words[number.GetUint() / kWordBits] |= 1UL << number.GetUint() % kWordBits;
      } else {
        fits = false;
      }
    });
    return fits;
  }
  // Bytes up to the last word that has a bit.
  [[nodiscard]] std::size_t Size() const {
    std::size_t count = std::size(words);
    while (count > 0 && words[count - 1] == 0) count--;
    return count * sizeof(unsigned long);
  }
};

}  // namespace

Status steps::SetScheduler(Context&, const JsonValue& step) {
  const char* failed = ApplyScheduler(step, 0);
  return failed == nullptr ? Status::Ok() : Status::Errno(failed, JsonString(step, "policy", ""));
}

Status steps::SetIoPriority(Context&, const JsonValue& step) {
  const char* failed = ApplyIoPriority(step, 0);
  return failed == nullptr ? Status::Ok() : Status::Errno(failed, JsonString(step, "class", ""));
}

Status steps::SetAffinity(Context&, const JsonValue& step) {
  BitMask cpus;
  if (!cpus.Read(step, "cpus")) return Status::Make("plan", EINVAL, "cpus");
  return syscall(SYS_sched_setaffinity, 0, cpus.Size(), cpus.words) < 0 ? Status::Errno("sched_setaffinity")
                                                                        : Status::Ok();
}

Status steps::SetMemoryPolicy(Context&, const JsonValue& step) {
  const char* name = JsonString(step, "mode", "");
  std::uint32_t mode = 0;
  BitMask nodes;
  if (!FindWord(kMemoryModes, name, &mode) || !CollectWords(kMemoryFlags, step, "flags", &mode) ||
      !nodes.Read(step, "nodes"))
    return Status::Make("plan", EINVAL, name);
  // The kernel reads one bit less than it is told (mm/mempolicy.c, get_nodes).
  const std::size_t size = nodes.Size();
  const std::size_t bits = size == 0 ? 0 : size * CHAR_BIT + 1;
  if (syscall(SYS_set_mempolicy, mode, size == 0 ? nullptr : nodes.words, bits) < 0)
    return Status::Errno("set_mempolicy", name);
  return Status::Ok();
}

Status steps::SetPersonality(Context&, const JsonValue& step) {
  const char* name = JsonString(step, "domain", "");
  std::uint32_t domain = 0;
  if (!FindWord(kDomains, name, &domain)) return Status::Make("plan", EINVAL, name);
  return syscall(SYS_personality, static_cast<unsigned long>(domain)) < 0 ? Status::Errno("personality", name)
                                                                          : Status::Ok();
}

}  // namespace runtime_ts
