// hooks.output, hooks.sync, hook.run.
#include <fcntl.h>
#include <unistd.h>

#include <cstdio>

#include "init/json_writer.h"
#include "steps/hook_process.h"
#include "steps/steps.h"

namespace runtime_ts {
namespace {

// The plan's state with our pid, as this pid namespace sees it (the specification wants that for hooks which run in
// the container).
void WriteState(const JsonValue& step, JsonBuffer* text) {
  JsonWriter json(*text);
  json.StartObject();
  if (const JsonValue* state = JsonMember(step, "state"); state != nullptr && state->IsObject()) {
    for (const auto& member : state->GetObject()) {
      json.Key(member.name.GetString(), member.name.GetStringLength());
      member.value.Accept(json);
    }
  }
  json.Key("pid");
  json.Int(getpid());
  json.EndObject();
}

Status Report(const HookOutcome& outcome) {
  if (outcome.failed_call != nullptr) return Status::Make("hook", outcome.error, outcome.failed_call);
  char detail[kMaxDetail];
  const char* output = outcome.output;
  int length = 0;
  if (outcome.timed_out) {
    length = snprintf(detail, sizeof detail, "timed out: %s", output);
  } else if (outcome.signal != 0) {
    length = snprintf(detail, sizeof detail, "signal %d: %s", outcome.signal, output);
  } else if (outcome.status != 0) {
    length = snprintf(detail, sizeof detail, "exit status %d: %s", outcome.status, output);
  } else {
    return Status::Ok();
  }
  return Status::Make("hook", outcome.timed_out ? ETIMEDOUT : 0, {detail, static_cast<std::size_t>(length)});
}

}  // namespace

// On the host: this process has not left it yet.
Status steps::OpenHookOutput(Context& context, const JsonValue& step) {
  const struct {
    const char* key;
    UniqueFd* file;
  } files[] = {{"stdout", &context.hook_stdout}, {"stderr", &context.hook_stderr}};
  for (const auto& entry : files) {
    const char* path = JsonString(step, entry.key, "");
    if (*path == '\0') continue;
    // host path: named by an annotation of config.json, opened before the clone
    *entry.file = UniqueFd(open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC | O_NOCTTY, 0600));
    if (!*entry.file) return Status::Errno("open", path);
  }
  return Status::Ok();
}

Status steps::SyncHooks(Context& context, const JsonValue&) {
  Message done;
  RETURN_IF_FAILED(context.channel.Send(Frame::kHooks));
  return context.channel.Receive(Frame::kHooksDone, &done);
}

Status steps::RunHook(Context& context, const JsonValue& step) {
  JsonBuffer state;
  WriteState(step, &state);
  HookProgram program;
  program.path = JsonString(step, "path", "");
  program.arguments = MakeStringArray(step, "args");
  program.environment = MakeStringArray(step, "env");
  program.umask = context.caller_umask;
  program.timeout_ms = JsonInteger(step, "timeout") * 1000;
  program.input = {state.GetString(), state.GetSize()};
  program.output = context.hook_stdout.get();
  program.error = context.hook_stderr.get();
  HookOutcome outcome;
  if (!RunHookProgram(program, &outcome)) return Status::Errno("hook", program.path);
  return Report(outcome);
}

}  // namespace runtime_ts
