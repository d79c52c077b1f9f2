// start.wait: the container is created; somebody will say start, now or in a week.
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "init/executor.h"
#include "steps/steps.h"

namespace runtime_ts {
namespace {

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
    UniqueFd caller;
    RETURN_IF_FAILED(AwaitConnection(context, listener.fds[0].get(), &caller));
    // The listener goes here: a second start finds nobody (ECONNREFUSED).
    context.channel.Replace(std::move(caller));
  }
  return Status::Ok();
}

}  // namespace runtime_ts
