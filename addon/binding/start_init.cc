// The verbs that start the init, give it its plan, and end it.
#include <signal.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include <utility>

#include "binding/stage.h"
#include "binding/verb.h"
#include "binding/verbs.h"
#include "common/frame.h"

#ifndef P_PIDFD
#define P_PIDFD 3
#endif

namespace runtime_ts {
namespace {

// The container's first process, which waits for us as the init does, or runs steps that nobody wants any more.
void EndProcess(const UniqueFd& pidfd) {
  if (!pidfd) return;
  syscall(SYS_pidfd_send_signal, pidfd.get(), SIGKILL, nullptr, 0);
  RetryOnEintr([&] { return waitid(static_cast<idtype_t>(P_PIDFD), pidfd.get(), nullptr, WEXITED); });
}

}  // namespace

Napi::Value StartInit(const Napi::CallbackInfo& info) {
  const Napi::Env env = info.Env();
  const int preserve = Options(info).Integer("preserveFds", 0);
  int ends[2];
  if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) == -1) return Throw(env, Failed("socketpair"));
  UniqueFd ours(ends[0]);
  if (const Failure failure = LaunchStage(ours.get(), ends[1], preserve)) return Throw(env, failure);
  return Napi::Number::New(env, ours.release());
}

Napi::Value InitPid(const Napi::CallbackInfo& info) {
  const int channel = Options(info).Integer("channel");
  if (const Failure failure = AwaitStage(channel)) return Throw(info.Env(), failure);
  return Napi::Number::New(info.Env(), StagePid(channel));
}

Napi::Value SendPlan(const Napi::CallbackInfo& info) {
  const Options options(info);
  const int channel = options.Integer("channel");
  if (const Failure failure = AwaitStage(channel)) return Throw(info.Env(), failure);
  if (WriteFrame(channel, Frame::kPlan, options.Text("plan"))) return info.Env().Undefined();
  return Throw(info.Env(), Failed("sendmsg", "plan to the init"));
}

Napi::Value EndInit(const Napi::CallbackInfo& info) {
  const UniqueFd channel(Options(info).Integer("channel"));
  if (AwaitStage(channel.get())) return info.Env().Undefined();
  // Both stages of the init leave at the end of file; what they had to say may name the process that they made.
  shutdown(channel.get(), SHUT_WR);
  Message message;
  UniqueFd pidfd;
  while (ReadFrame(channel.get(), &message) == ReadResult::kFrame) {
    if (message.kind == Frame::kPid && message.fd_count == 1) pidfd = std::move(message.fds[0]);
  }
  EndProcess(pidfd);
  ReapStage(channel.get(), true);
  return info.Env().Undefined();
}

}  // namespace runtime_ts
