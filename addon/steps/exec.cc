// process.lookup, exec.
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <climits>
#include <cstdio>
#include <cstring>

#include "steps/steps.h"
#include "steps/string_array.h"

namespace runtime_ts {
namespace {

constexpr std::string_view kListenPid = "LISTEN_PID=";

// What Go's exec.LookPath accepts: no directory, and executable for the effective user. The failures say which of the
// two, since engines turn "not found" into 127 and "permission denied" into 126.
Status CheckExecutable(const char* path) {
  struct stat attributes {};
  // no host path: / is the container's by now
  if (stat(path, &attributes) < 0) return Status::Errno("stat", path);
  if (S_ISDIR(attributes.st_mode)) return Status::Make("stat", EISDIR, path);
  if (faccessat(AT_FDCWD, path, X_OK, AT_EACCESS) < 0) return Status::Errno("access", path);
  // faccessat(2) lets root through by CAP_DAC_OVERRIDE only when some x bit is set; the kernel's exec wants the same.
  return Status::Ok();
}

Status Found(Context& context, const char* path) {
  const std::size_t length = strlen(path);
  if (!context.executable.Allocate(length)) return Status::Errno("malloc", path);
  memcpy(context.executable.data(), path, length);
  return Status::Ok();
}

// For sd_listen_fds(3).
void TellOwnPid(Context& context) {
  snprintf(context.listen_pid, sizeof context.listen_pid, "%.*s%d", static_cast<int>(kListenPid.size()),
           kListenPid.data(), getpid());
  for (char** entry = context.environment.get(); *entry != nullptr; entry++) {
    if (std::string_view(*entry).starts_with(kListenPid)) *entry = context.listen_pid;
  }
}

}  // namespace

// By path, unlike all else: after root.enter the kernel itself keeps us inside, and exec will go the same way.
Status steps::LookUpProgram(Context& context, const JsonValue& step) {
  context.LeaveHost();
  const char* file = JsonString(step, "file", "");
  if (strchr(file, '/') != nullptr) {
    RETURN_IF_FAILED(CheckExecutable(file));
    return Found(context, file);
  }
  for (const char* entry = JsonString(step, "searchPath", ""); *file != '\0' && *entry != '\0';) {
    const std::size_t length = strcspn(entry, ":");
    char candidate[PATH_MAX];
    // An empty entry is the working directory, as for execvp.
    const int size = snprintf(candidate, sizeof candidate, "%.*s/%s", static_cast<int>(length == 0 ? 1 : length),
                              length == 0 ? "." : entry, file);
    if (size < PATH_MAX && CheckExecutable(candidate).ok()) return Found(context, candidate);
    entry += length;
    if (*entry == ':') entry++;
  }
  return Status::Make("lookup", ENOENT, file);
}

Status steps::PrepareExec(Context& context, const JsonValue& step) {
  if (context.arguments != nullptr) return Status::Ok();
  // Before the filter, which then need not allow it. What is still needed until exec is close-on-exec already.
  if (close_range(static_cast<unsigned>(context.first_private_fd), ~0U, CLOSE_RANGE_CLOEXEC) < 0)
    return Status::Errno("close_range");
  context.environment = MakeStringArray(step, "env", context.home.data());
  context.arguments = MakeStringArray(step, "args");
  if (context.arguments == nullptr || context.environment == nullptr) return Status::Errno("malloc", "args");
  if (JsonBool(step, "listenPid")) TellOwnPid(context);
  return Status::Ok();
}

// After seccomp.load the filter may allow nothing but execve: so that is all that happens here.
Status steps::Exec(Context& context, const JsonValue& step) {
  RETURN_IF_FAILED(PrepareExec(context, step));
  const char* path = context.executable.empty() ? context.arguments[0] : context.executable.data();
  if (path == nullptr) return Status::Make("execve", EINVAL, "no args");
  execve(path, context.arguments.get(), context.environment.get());
  return Status::Errno("execve", path);
}

}  // namespace runtime_ts
