// seccomp.load.
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "steps/steps.h"

#ifndef SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV
#define SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV (1UL << 5)  // Linux 5.19
#endif

namespace runtime_ts {
namespace {

unsigned long Flag(std::string_view name) {
  if (name == "SECCOMP_FILTER_FLAG_TSYNC") return SECCOMP_FILTER_FLAG_TSYNC;
  if (name == "SECCOMP_FILTER_FLAG_LOG") return SECCOMP_FILTER_FLAG_LOG;
  if (name == "SECCOMP_FILTER_FLAG_SPEC_ALLOW") return SECCOMP_FILTER_FLAG_SPEC_ALLOW;
  if (name == "SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV") return SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV;
  return 0;
}

}  // namespace

Status steps::LoadSeccomp(Context& context, const JsonValue& step) {
  Message program;
  RETURN_IF_FAILED(context.channel.Receive(Frame::kSeccomp, &program));
  const std::size_t size = program.payload.size();
  if (size == 0 || size % sizeof(sock_filter) != 0 || size / sizeof(sock_filter) > BPF_MAXINSNS)
    return Status::Make("seccomp", EINVAL, "length of the program");

  unsigned long flags = 0;
  const JsonValue* names = JsonMember(step, "flags");
  if (names != nullptr && names->IsArray()) {
    for (const JsonValue& name : names->GetArray()) {
      const unsigned long flag = Flag(JsonText(name));
      if (flag == 0) return Status::Make("seccomp", EINVAL, JsonText(name));
      flags |= flag;
    }
  }
  sock_fprog filter{};
  filter.len = static_cast<unsigned short>(size / sizeof(sock_filter));
  filter.filter = reinterpret_cast<sock_filter*>(program.payload.data());
  if (syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, flags, &filter) < 0) return Status::Errno("seccomp");
  return Status::Ok();
}

}  // namespace runtime_ts
