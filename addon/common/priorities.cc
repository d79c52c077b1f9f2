#include "common/priorities.h"

#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>
#include <cstdint>
#include <cstdlib>

#include "common/words.h"

namespace runtime_ts {
namespace {

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

std::uint64_t Nanoseconds(const JsonValue& step, const char* key) {
  return strtoull(JsonString(step, key, "0"), nullptr, 10);
}

const char* Misunderstood() {
  errno = EINVAL;
  return "plan";
}

}  // namespace

const char* ApplyScheduler(const JsonValue& step, pid_t pid) {
  SchedulerAttributes attributes{};
  attributes.size = sizeof attributes;
  std::uint32_t flags = 0;
  if (!FindWord(kPolicies, JsonString(step, "policy", ""), &attributes.policy) ||
      !CollectWords(kSchedulerFlags, step, "flags", &flags))
    return Misunderstood();
  attributes.flags = flags;
  attributes.nice = static_cast<std::int32_t>(JsonInteger(step, "nice"));
  attributes.priority = static_cast<std::uint32_t>(JsonInteger(step, "priority"));
  attributes.runtime = Nanoseconds(step, "runtime");
  attributes.deadline = Nanoseconds(step, "deadline");
  attributes.period = Nanoseconds(step, "period");
  return syscall(SYS_sched_setattr, pid, &attributes, 0) < 0 ? "sched_setattr" : nullptr;
}

const char* ApplyIoPriority(const JsonValue& step, pid_t pid) {
  std::uint32_t io_class = 0;
  if (!FindWord(kIoClasses, JsonString(step, "class", ""), &io_class)) return Misunderstood();
  const auto level = static_cast<unsigned>(JsonInteger(step, "priority"));
  return syscall(SYS_ioprio_set, kProcessGroup, pid, io_class << kIoClassShift | level) < 0 ? "ioprio_set" : nullptr;
}

}  // namespace runtime_ts
