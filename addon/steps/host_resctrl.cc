// Steps on resctrl, the file system of Intel RDT (Documentation/filesystems/resctrl.rst).
#include <sys/stat.h>

#include <string>

#include "binding/file_content.h"
#include "steps/host_steps.h"

namespace runtime_ts {
namespace {

// resctrl says in a file of its own what it did not like; errno alone is EINVAL for everything.
Failure WithStatus(Failure failure, const JsonValue& step) {
  std::string status;
  if (!failure || ReadWhole(std::string(JsonString(step, "root", "")) + "/info/last_cmd_status", &status))
    return failure;
  while (!status.empty() && status.back() == '\n') status.pop_back();
  if (!status.empty() && status != "ok") failure.detail = status;
  return failure;
}

}  // namespace

Failure CreateResctrlGroup(const JsonValue& step) {
  const char* path = JsonString(step, "path", "");
  if (mkdir(path, 0755) == 0) return {};
  return WithStatus(Failed("mkdir", path), step);
}

Failure WriteSchemata(const JsonValue& step) {
  return WithStatus(WriteOnce(std::string(JsonString(step, "path", "")) + "/schemata", JsonString(step, "value", "")),
                    step);
}

Failure JoinResctrlGroup(const JsonValue& step, pid_t pid) {
  if (pid <= 0) return {"resctrl.join", ESRCH, "no process"};
  return WithStatus(WriteOnce(std::string(JsonString(step, "path", "")) + "/tasks", std::to_string(pid)), step);
}

}  // namespace runtime_ts
