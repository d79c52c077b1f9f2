// One part of a plan, from text to the steps that the executor runs.
#include <cstdlib>
#include <utility>

#include "init/executor.h"

namespace runtime_ts {

Status ParsePlan(Context& context, Buffer text) {
  context.plan_text = std::move(text);
  if (!ParseJson(&context.plan_text, &context.plan)) return Status::Make("plan", EPROTO, "not JSON");
  context.steps = JsonMember(context.plan, "init");
  if (context.steps == nullptr || !context.steps->IsArray()) return Status::Make("plan", EPROTO, "no init steps");
  if (!JsonBool(context.plan, "trace")) return Status::Ok();
  const std::size_t count = context.index + context.steps->Size();
  auto* times = static_cast<std::uint32_t*>(realloc(context.times, count * sizeof *context.times));
  if (times == nullptr) return Status::Make("malloc", ENOMEM);
  for (std::size_t i = context.index; i < count; i++) times[i] = 0;
  context.times = times;
  return Status::Ok();
}

}  // namespace runtime_ts
