// The verb that hands the listener of a seccomp filter to the agent that config.json names (config-linux.md,
// "The Container Process State").
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <unistd.h>

#include "binding/unix_socket.h"
#include "binding/verb.h"
#include "binding/verbs.h"

namespace runtime_ts {
namespace {

// An agent that hangs must not make `start` hang: on a unix socket it bounds connect(2), too, which waits while the
// agent's backlog is full.
constexpr timeval kPatience{30, 0};

Failure HandOver(const Options& options) {
  const std::string path = options.Path("socket");
  const std::string text = options.Text("state");
  // Linux 5.6; it takes what ptrace(2) would (PTRACE_MODE_ATTACH_REALCREDS), which who made the process has.
  const UniqueFd listener(
      static_cast<int>(syscall(SYS_pidfd_getfd, options.Integer("pidfd"), options.Integer("remoteFd"), 0)));
  if (!listener) return Failed("pidfd_getfd");
  UniqueFd socket;
  if (Failure failure = ConnectUnixSocket(path, SOCK_STREAM, &socket, &kPatience)) return failure;
  // Closing the connection ends it: one state, one connection.
  return SendDescriptor(socket.get(), text, listener.get(), path);
}

}  // namespace

Napi::Value SendSeccompListener(const Napi::CallbackInfo& info) { return Finish(info.Env(), HandOver(Options(info))); }

}  // namespace runtime_ts
