#include "init/executor.h"

#include <time.h>

#include <utility>

#include "init/json_writer.h"
#include "steps/steps.h"

namespace runtime_ts {
namespace {

std::uint64_t Microseconds() {
  timespec now{};
  clock_gettime(CLOCK_MONOTONIC, &now);
  return static_cast<std::uint64_t>(now.tv_sec) * 1000000 + static_cast<std::uint64_t>(now.tv_nsec) / 1000;
}

Status RunStep(Context& context, const JsonValue& step) {
  const JsonValue* op = JsonMember(step, "op");
  const StepFunction run = op == nullptr ? nullptr : FindStep(JsonText(*op));
  if (run == nullptr) return Status::Make("plan", ENOSYS, op == nullptr ? "step without op" : JsonText(*op));
  return run(context, step);
}

Status RunSteps(Context& context) {
  for (const JsonValue& step : context.steps->GetArray()) {
    const std::uint64_t begin = context.times == nullptr ? 0 : Microseconds();
    RETURN_IF_FAILED(RunStep(context, step));
    if (context.times != nullptr) context.times[context.index] = static_cast<std::uint32_t>(Microseconds() - begin);
    context.index++;
  }
  return Status::Ok();
}

}  // namespace

Status RunPlan(Context& context) {
  for (;;) {
    RETURN_IF_FAILED(RunSteps(context));
    // The engine still compiles the rest, or has sent it already.
    if (!JsonBool(context.plan, "more")) return Status::Make("plan", EPROTO, "no exec step");
    Message next;
    RETURN_IF_FAILED(context.channel.Receive(Frame::kPlan, &next));
    RETURN_IF_FAILED(ParsePlan(context, std::move(next.payload)));
  }
}

void ReportFailure(Context& context) {
  const Failure& failure = Status::last();
  JsonBuffer text;
  JsonWriter json(text);
  json.StartObject();
  json.Key("step");
  json.Uint(context.index);
  json.Key("syscall");
  json.String(failure.syscall);
  json.Key("errno");
  json.Int(failure.error);
  if (failure.detail[0] != '\0') {
    json.Key("detail");
    json.String(failure.detail);
  }
  json.EndObject();
  // Nobody is left to hear of a second failure.
  static_cast<void>(context.channel.Send(Frame::kFailure, {text.GetString(), text.GetSize()}).ok());
}

Status ReportTimes(Context& context) {
  if (context.times == nullptr) return Status::Ok();
  JsonBuffer text;
  JsonWriter json(text);
  json.StartArray();
  for (std::uint32_t i = 0; i <= context.index; i++) json.Uint(context.times[i]);
  json.EndArray();
  // The engine has no use for later ones, and a filter that is loaded next may forbid to look at the clock.
  context.times = nullptr;
  return context.channel.Send(Frame::kTrace, {text.GetString(), text.GetSize()});
}

}  // namespace runtime_ts
