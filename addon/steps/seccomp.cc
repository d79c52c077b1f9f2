// seccomp.load.
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "steps/steps.h"

#ifndef SECCOMP_FILTER_FLAG_TSYNC_ESRCH
#define SECCOMP_FILTER_FLAG_TSYNC_ESRCH (1UL << 4)  // Linux 5.7
#endif

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

// Allocates for exec, which the filter may forbid.
Status PrepareLastStep(Context& context) {
  const JsonValue* last = context.steps->End() - 1;
  return std::string_view(JsonString(*last, "op", "")) == "exec" ? steps::PrepareExec(context, *last) : Status::Ok();
}

// Loads the filter and says which descriptor listens to it. From the load on the filter is in force: what is between
// it and the end of this function is what every profile with SCMP_ACT_NOTIFY has to allow.
Status LoadWithListener(Context& context, unsigned long flags, sock_fprog* filter, bool keep) {
  flags |= SECCOMP_FILTER_FLAG_NEW_LISTENER;
  // Both return a value of their own, so the kernel takes them together only when a failed TSYNC has no thread id to
  // return. There is one thread.
  if ((flags & SECCOMP_FILTER_FLAG_TSYNC) != 0) flags |= SECCOMP_FILTER_FLAG_TSYNC_ESRCH;
  RETURN_IF_FAILED(context.channel.PrepareListener(&context.listener_frames));
  const long listener = syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, flags, filter);
  if (listener < 0) return Status::Errno("seccomp");
  RETURN_IF_FAILED(context.channel.SendListener(&context.listener_frames, static_cast<int>(listener)));
  if (!keep) close(static_cast<int>(listener));
  return Status::Ok();
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
  context.filter = std::move(program.payload);
  RETURN_IF_FAILED(PrepareLastStep(context));
  filter.len = static_cast<unsigned short>(size / sizeof(sock_filter));
  filter.filter = reinterpret_cast<sock_filter*>(context.filter.data());
  const std::string_view listener = JsonString(step, "listener", "");
  if (!listener.empty()) return LoadWithListener(context, flags, &filter, listener == "keep");
  if (syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, flags, &filter) < 0) return Status::Errno("seccomp");
  return Status::Ok();
}

}  // namespace runtime_ts
