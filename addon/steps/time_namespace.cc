// time.create: a time namespace (time_namespaces(7)), its clocks, and the way into it.
#include "steps/time_namespace.h"

#include <fcntl.h>
#include <linux/openat2.h>
#include <sched.h>
#include <unistd.h>

#include <cstdio>

#include "steps/proc.h"
#include "steps/steps.h"

namespace runtime_ts {
namespace {

bool PlanHasTime(const Context& context) {
  for (const JsonValue& step : context.steps->GetArray()) {
    const JsonValue* op = JsonMember(step, "op");
    if (op != nullptr && JsonText(*op) == "time.create") return true;
  }
  return false;
}

// All lines in one write: the kernel takes them together or not at all.
Status WriteOffsets(int file, const JsonValue& step) {
  char text[256];
  std::size_t length = 0;
  bool fits = true;
  JsonForEach(step, "offsets", [&](const JsonValue& offset) {
    const int written =
        snprintf(text + length, sizeof text - length, "%s %s %u\n", JsonString(offset, "clock", ""),
                 JsonString(offset, "secs", ""), static_cast<unsigned>(JsonInteger(offset, "nanosecs")));
    length += static_cast<std::size_t>(written);
    fits = fits && length < sizeof text;
  });
  if (!fits) return Status::Make("plan", EPROTO, "offsets");
  if (length == 0) return Status::Ok();
  return write(file, text, length) < 0 ? Status::Errno("write", "/proc/self/timens_offsets") : Status::Ok();
}

}  // namespace

Status OpenTimeOffsets(Context& context) {
  if (context.time_offsets || !PlanHasTime(context)) return Status::Ok();
  const UniqueFd proc = OpenHostProc();
  if (!proc) return Status::Errno("open", "/proc");
  context.time_offsets =
      OpenAt2(proc.get(), "self/timens_offsets", O_WRONLY, RESOLVE_BENEATH | RESOLVE_NO_XDEV | RESOLVE_NO_MAGICLINKS);
  return context.time_offsets ? Status::Ok() : Status::Errno("openat2", "/proc/self/timens_offsets");
}

Status steps::CreateTimeNamespace(Context& context, const JsonValue& step) {
  RETURN_IF_FAILED(OpenTimeOffsets(context));
  const UniqueFd proc = OpenHostProc();
  if (!proc) return Status::Errno("open", "/proc");
  // Only what is forked later enters it (Linux 5.6), and the first to enter freezes the clocks; so they are set now.
  if (unshare(CLONE_NEWTIME) < 0) return Status::Errno("unshare", "time");
  RETURN_IF_FAILED(WriteOffsets(context.time_offsets.get(), step));
  context.time_offsets.reset();
  // host path: below the verified /proc; a magic link, which openat2 would not follow
  const UniqueFd made(openat(proc.get(), "self/ns/time_for_children", O_RDONLY | O_CLOEXEC));
  if (!made) return Status::Errno("openat", "/proc/self/ns/time_for_children");
  return setns(made.get(), CLONE_NEWTIME) < 0 ? Status::Errno("setns", "time") : Status::Ok();
}

}  // namespace runtime_ts
