// Verbs for sd_notify.
#include <poll.h>
#include <sys/socket.h>

#include "binding/notify_proxy.h"
#include "binding/unix_socket.h"
#include "binding/verb.h"
#include "binding/verbs.h"
#include "binding/wait.h"

namespace runtime_ts {
namespace {

// As long as sd_notify_barrier(3) is commonly given; a receiver that is not systemd may never answer.
constexpr int kBarrierMs = 30'000;

Failure Forward(NotifyProxy* proxy, int pidfd) {
  while (!proxy->done()) {
    pollfd fds[2] = {{proxy->socket(), POLLIN, 0}, {pidfd, POLLIN, 0}};
    if (PollUntil(fds, 2, Deadline::After(-1)) == -1) return Failed("poll");
    if (fds[0].revents != 0) {
      if (Failure failure = proxy->Relay()) return failure;
    } else if (fds[1].revents != 0) {
      return {};
    }
  }
  return proxy->Barrier(kBarrierMs);
}

}  // namespace

Napi::Value BindNotify(const Napi::CallbackInfo& info) {
  UniqueFd socket;
  // 0666: the container's process may be anyone.
  if (const Failure failure = BindUnixSocket(Options(info).Path("path"), SOCK_DGRAM, 0666, &socket)) {
    return Throw(info.Env(), failure);
  }
  return Napi::Number::New(info.Env(), socket.release());
}

Napi::Value ForwardNotify(const Napi::CallbackInfo& info) {
  const Options options(info);
  NotifyProxy proxy(options.Integer("fd"), options.Path("target"), options.Integer("pid"));
  return Finish(info.Env(), Forward(&proxy, options.Integer("pidfd")));
}

}  // namespace runtime_ts
