// Verbs for processes: everything goes through pidfds, so that a number that was reused is never hit.
#include <poll.h>
#include <signal.h>
#include <sys/pidfd.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <ctime>

#include "binding/file_content.h"
#include "binding/verb.h"
#include "binding/verbs.h"
#include "binding/wait.h"
#include "common/unique_fd.h"

namespace runtime_ts {
namespace {

// Field `index` (as in proc_pid_stat(5), from 1) of a stat line, for fields after the command name. The name is in
// parentheses and may hold spaces and parentheses itself: the last one ends it.
std::string StatField(const std::string& line, int index) {
  std::size_t at = line.rfind(')');
  if (at == std::string::npos) return {};
  for (int field = 2; field < index && at != std::string::npos; field++) at = line.find(' ', at + 1);
  if (at == std::string::npos) return {};
  return line.substr(at + 1, line.find(' ', at + 1) - at - 1);
}

}  // namespace

Napi::Value ProcessStat(const Napi::CallbackInfo& info) {
  const Napi::Env env = info.Env();
  const std::string path = "/proc/" + std::to_string(Options(info).Integer("pid")) + "/stat";
  std::string line;
  if (const Failure failure = ReadWhole(path, &line)) {
    // ESRCH: it ended between open and read.
    if (failure.number == ENOENT || failure.number == ESRCH) return env.Undefined();
    return Throw(env, failure);
  }
  auto result = Napi::Object::New(env);
  result.Set("state", Napi::String::New(env, StatField(line, 3)));
  result.Set("startTime", Napi::String::New(env, StatField(line, 22)));
  return result;
}

Napi::Value OpenPid(const Napi::CallbackInfo& info) {
  const int pid = Options(info).Integer("pid");
  const int pidfd = static_cast<int>(syscall(SYS_pidfd_open, pid, 0));
  if (pidfd == -1) {
    // Also gone: the pid of a process that has been reaped goes on as the name of its group or session, and pidfd_open
    // says EINVAL to it before Linux 6.16. ENOENT (since then; EINVAL before): a thread that leads no process.
    if (errno == ESRCH || (pid > 0 && (errno == EINVAL || errno == ENOENT))) return info.Env().Undefined();
    return Throw(info.Env(), Failed("pidfd_open", std::to_string(pid)));
  }
  return Napi::Number::New(info.Env(), pidfd);
}

Napi::Value SignalPid(const Napi::CallbackInfo& info) {
  const Options options(info);
  if (syscall(SYS_pidfd_send_signal, options.Integer("pidfd"), options.Integer("signal"), nullptr, 0) == -1) {
    return Throw(info.Env(), Failed("pidfd_send_signal"));
  }
  return info.Env().Undefined();
}

Napi::Value WaitPid(const Napi::CallbackInfo& info) {
  const Options options(info);
  pollfd ended{options.Integer("pidfd"), POLLIN, 0};
  const int ready = PollUntil(&ended, 1, Deadline::After(options.Integer("timeoutMs", -1)));
  if (ready == -1) return Throw(info.Env(), Failed("poll"));
  return Napi::Boolean::New(info.Env(), ready > 0);
}

Napi::Value Reap(const Napi::CallbackInfo& info) {
  siginfo_t ended{};
  const int pidfd = Options(info).Integer("pidfd");
  if (RetryOnEintr([&] { return waitid(P_PIDFD, static_cast<id_t>(pidfd), &ended, WEXITED); }) == -1) {
    return Throw(info.Env(), Failed("waitid"));
  }
  return Napi::Number::New(info.Env(), ExitStatus(ended));
}

}  // namespace runtime_ts
