// How the kernel treats the program: process.scheduler, process.ioPriority, process.affinity, process.memoryPolicy,
// process.personality. All of it survives exec.
#include <linux/mempolicy.h>
#include <sys/personality.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <climits>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <iterator>

#include "steps/steps.h"

namespace runtime_ts {
namespace {

struct Word {
  std::string_view name;
  std::uint32_t value;
};

// By the numbers of linux/sched.h, which clashes with libc's sched.h. SCHED_ISO (4) is reserved and was never made.
constexpr Word kPolicies[] = {{"SCHED_OTHER", 0}, {"SCHED_FIFO", 1}, {"SCHED_RR", 2},
                              {"SCHED_BATCH", 3}, {"SCHED_IDLE", 5}, {"SCHED_DEADLINE", 6}};
constexpr Word kSchedulerFlags[] = {
    {"SCHED_FLAG_RESET_ON_FORK", 0x01},  {"SCHED_FLAG_RECLAIM", 0x02},     {"SCHED_FLAG_DL_OVERRUN", 0x04},
    {"SCHED_FLAG_KEEP_POLICY", 0x08},    {"SCHED_FLAG_KEEP_PARAMS", 0x10}, {"SCHED_FLAG_UTIL_CLAMP_MIN", 0x20},
    {"SCHED_FLAG_UTIL_CLAMP_MAX", 0x40},
};
// linux/ioprio.h is no C++.
constexpr Word kIoClasses[] = {{"IOPRIO_CLASS_RT", 1}, {"IOPRIO_CLASS_BE", 2}, {"IOPRIO_CLASS_IDLE", 3}};
constexpr unsigned kIoClassShift = 13;
constexpr int kProcessGroup = 2;
// 6 is newer (Linux 6.9) than the headers; a kernel without it says EINVAL.
constexpr Word kMemoryModes[] = {{"MPOL_DEFAULT", MPOL_DEFAULT}, {"MPOL_PREFERRED", MPOL_PREFERRED},
                                 {"MPOL_BIND", MPOL_BIND},       {"MPOL_INTERLEAVE", MPOL_INTERLEAVE},
                                 {"MPOL_LOCAL", MPOL_LOCAL},     {"MPOL_PREFERRED_MANY", 5},
                                 {"MPOL_WEIGHTED_INTERLEAVE", 6}};
constexpr Word kMemoryFlags[] = {{"MPOL_F_NUMA_BALANCING", 1U << 13},
                                 {"MPOL_F_RELATIVE_NODES", MPOL_F_RELATIVE_NODES},
                                 {"MPOL_F_STATIC_NODES", MPOL_F_STATIC_NODES}};
constexpr Word kDomains[] = {{"LINUX", PER_LINUX}, {"LINUX32", PER_LINUX32}};

template <std::size_t Size>
bool Find(const Word (&words)[Size], std::string_view name, std::uint32_t* value) {
  for (const Word& word : words) {
    if (word.name != name) continue;
    *value = word.value;
    return true;
  }
  return false;
}

template <std::size_t Size>
bool Collect(const Word (&words)[Size], const JsonValue& step, const char* key, std::uint32_t* bits) {
  bool known = true;
  JsonForEach(step, key, [&](const JsonValue& name) {
    std::uint32_t bit = 0;
    known = Find(words, JsonText(name), &bit) && known;
    *bits |= bit;
  });
  return known;
}

// struct sched_attr of the kernel, as far as Linux 5.3 has it: later ones take it for what it is by its size.
struct SchedulerAttributes {
  std::uint32_t size;
  std::uint32_t policy;
  std::uint64_t flags;
  std::int32_t nice;
  std::uint32_t priority;
  std::uint64_t runtime;
  std::uint64_t deadline;
  std::uint64_t period;
  std::uint32_t util_min;
  std::uint32_t util_max;
};
static_assert(sizeof(SchedulerAttributes) == 56);

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

std::uint64_t Nanoseconds(const JsonValue& step, const char* key) {
  return strtoull(JsonString(step, key, "0"), nullptr, 10);
}

}  // namespace

Status steps::SetScheduler(Context&, const JsonValue& step) {
  const char* policy = JsonString(step, "policy", "");
  SchedulerAttributes attributes{};
  attributes.size = sizeof attributes;
  std::uint32_t flags = 0;
  if (!Find(kPolicies, policy, &attributes.policy) || !Collect(kSchedulerFlags, step, "flags", &flags))
    return Status::Make("plan", EINVAL, policy);
  attributes.flags = flags;
  attributes.nice = static_cast<std::int32_t>(JsonInteger(step, "nice"));
  attributes.priority = static_cast<std::uint32_t>(JsonInteger(step, "priority"));
  attributes.runtime = Nanoseconds(step, "runtime");
  attributes.deadline = Nanoseconds(step, "deadline");
  attributes.period = Nanoseconds(step, "period");
  return syscall(SYS_sched_setattr, 0, &attributes, 0) < 0 ? Status::Errno("sched_setattr", policy) : Status::Ok();
}

Status steps::SetIoPriority(Context&, const JsonValue& step) {
  const char* name = JsonString(step, "class", "");
  std::uint32_t io_class = 0;
  if (!Find(kIoClasses, name, &io_class)) return Status::Make("plan", EINVAL, name);
  const auto level = static_cast<unsigned>(JsonInteger(step, "priority"));
  // The process group, as the specification has it; we lead our own.
  if (syscall(SYS_ioprio_set, kProcessGroup, 0, io_class << kIoClassShift | level) < 0)
    return Status::Errno("ioprio_set", name);
  return Status::Ok();
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
  if (!Find(kMemoryModes, name, &mode) || !Collect(kMemoryFlags, step, "flags", &mode) || !nodes.Read(step, "nodes"))
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
  if (!Find(kDomains, name, &domain)) return Status::Make("plan", EINVAL, name);
  return syscall(SYS_personality, static_cast<unsigned long>(domain)) < 0 ? Status::Errno("personality", name)
                                                                          : Status::Ok();
}

}  // namespace runtime_ts
