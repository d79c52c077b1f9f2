// The verbs that start the init, give it its plan, and end it.
#include <signal.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include <utility>

#include "binding/stage.h"
#include "binding/verb.h"
#include "binding/verbs.h"
#include "binding/wait.h"
#include "common/frame.h"

#ifndef P_PIDFD
#define P_PIDFD 3
#endif

namespace runtime_ts {
namespace {

// Both stages of the init leave at the end of file, if they come to it: one may wait for a FIFO that nobody reads, or
// for a file system that does not answer.
constexpr int kPatienceMs = 1000;

// Reads to the end of file, and so waits for both stages. What they have to say may name the process that they made,
// which runs steps that nobody wants any more.
void AwaitEnd(int channel, UniqueFd* process) {
  Message message;
  bool patient = true;
  for (;;) {
    pollfd readable{channel, POLLIN, 0};
    if (PollUntil(&readable, 1, Deadline::After(patient ? kPatienceMs : -1)) == 0) {
      // A process that it has just made is told by nobody then, and leaves by itself: the end of file is all it gets.
      if (const pid_t stage = StagePid(channel); stage > 0) kill(stage, SIGKILL);
      patient = false;
      continue;
    }
    if (ReadFrame(channel, &message) != ReadResult::kFrame) return;
    if (message.kind != Frame::kPid || message.fd_count != 1) continue;
    *process = std::move(message.fds[0]);
    syscall(SYS_pidfd_send_signal, process->get(), SIGKILL, nullptr, 0);
  }
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
  shutdown(channel.get(), SHUT_WR);
  UniqueFd process;
  AwaitEnd(channel.get(), &process);
  if (process) {
    RetryOnEintr([&] { return waitid(static_cast<idtype_t>(P_PIDFD), process.get(), nullptr, WEXITED); });
  }
  ReapStage(channel.get(), true);
  return info.Env().Undefined();
}

}  // namespace runtime_ts
