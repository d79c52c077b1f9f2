// start.wait: the container is created; somebody will say start, now or in a week.
#include <poll.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "init/executor.h"
#include "steps/namespace_flags.h"
#include "steps/steps.h"

namespace runtime_ts {
namespace {

[[noreturn]] void EndBySignal(int signal) { _exit(128 + signal); }

// The first process of a pid namespace gets no signal that it has no handler for (pid_namespaces(7)): `kill` would say
// that it has succeeded, and the container could be started all the same. runc's waiting process ends by these, too.
// execve(2) takes the handlers away.
void EndWhenAsked() {
  // SA_RESTORER of x86-64, which the kernel insists on though EndBySignal never returns to it; no flag anywhere else.
  constexpr unsigned long kRestorer = 0x04000000;
  const auto handler = reinterpret_cast<unsigned long>(&EndBySignal);
  // struct sigaction as the kernel knows it: handler, flags, restorer, mask.
  const unsigned long action[4] = {handler, kRestorer, handler, 0};
  for (const int signal : {SIGHUP, SIGINT, SIGQUIT, SIGTERM})
    syscall(SYS_rt_sigaction, signal, action, nullptr, sizeof action[3]);
}

// The kernel asks who wants to enter us for CAP_SYS_PTRACE where we were executed, on the host, unless we are dumpable
// (__ptrace_may_access); a caller without privileges has it in the container's user namespace only.
Status LetCallerEnter(bool let) {
  if (!let) return HideFromContainer();
  return prctl(PR_SET_DUMPABLE, 1, 0, 0, 0) < 0 ? Status::Errno("prctl", "PR_SET_DUMPABLE") : Status::Ok();
}

// How a user id that this user namespace has no name for reads (fs.overflowuid).
constexpr uid_t kUnmapped = 65534;

// The socket lies in the state directory, where only its owner can connect. This keeps out who came to a descriptor
// of it in another way.
bool MayStart(const Context& context, int connection) {
  ucred peer{};
  socklen_t size = sizeof peer;
  if (getsockopt(connection, SOL_SOCKET, SO_PEERCRED, &peer, &size) < 0) return false;
  // The host's users have no names in here, whoever they are.
  if (context.in_user_namespace) return peer.uid == 0 || peer.uid == kUnmapped;
  return peer.uid == 0 || peer.uid == context.started_as;
}

// Waits for a connection that sends kStart. All others are closed: nothing that a stranger sends ends the wait.
Status AwaitConnection(const Context& context, int listener, UniqueFd* caller) {
  for (;;) {
    UniqueFd connection(RetryOnEintr([&] { return accept4(listener, nullptr, nullptr, SOCK_CLOEXEC); }));
    if (!connection) {
      if (errno == ECONNABORTED) continue;
      return Status::Errno("accept4");
    }
    Message message;
    if (!MayStart(context, connection.get())) continue;
    if (ReadFrame(connection.get(), &message) != ReadResult::kFrame || message.kind != Frame::kStart) continue;
    *caller = std::move(connection);
    return Status::Ok();
  }
}

// The engine that has the filter is gone when it is loaded after start.
Status FetchFilter(Context& context, const JsonValue& step) {
  for (const JsonValue* later = &step + 1; later != context.steps->End(); later++) {
    if (std::string_view(JsonString(*later, "op", "")) == "seccomp.load") return context.channel.Fetch(Frame::kSeccomp);
  }
  return Status::Ok();
}

}  // namespace

Status steps::WaitForStart(Context& context, const JsonValue& step) {
  RETURN_IF_FAILED(ReportTimes(context));
  if (std::string_view(JsonString(step, "via", "")) == "channel") {
    Message start;
    RETURN_IF_FAILED(context.channel.Send(Frame::kReady));
    RETURN_IF_FAILED(context.channel.Receive(Frame::kStart, &start));
  } else {
    Message listener;
    RETURN_IF_FAILED(context.channel.Receive(Frame::kListen, &listener));
    if (listener.fd_count != 1) return Status::Make("recvmsg", EPROTO, "listening socket");
    RETURN_IF_FAILED(FetchFilter(context, step));
    RETURN_IF_FAILED(context.channel.Send(Frame::kReady));
    context.channel.Close();
    EndWhenAsked();
    const bool enterable = JsonBool(step, "enterable");
    if (enterable) RETURN_IF_FAILED(LetCallerEnter(true));
    UniqueFd caller;
    RETURN_IF_FAILED(AwaitConnection(context, listener.fds[0].get(), &caller));
    if (enterable) RETURN_IF_FAILED(LetCallerEnter(false));
    // The listener goes here: a second start finds nobody (ECONNREFUSED).
    context.channel.Replace(std::move(caller));
  }
  return Status::Ok();
}

}  // namespace runtime_ts
