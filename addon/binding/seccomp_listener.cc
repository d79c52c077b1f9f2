// The verb that hands the listener of a seccomp filter to the agent that config.json names (config-linux.md,
// "The Container Process State").
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <unistd.h>

#include <cstring>
#include <string_view>

#include "binding/unix_socket.h"
#include "binding/verb.h"
#include "binding/verbs.h"

namespace runtime_ts {
namespace {

// An agent that hangs must not make `start` hang: on a unix socket it bounds connect(2), too, which waits while the
// agent's backlog is full.
constexpr timeval kPatience{30, 0};

// The descriptor goes with the first message only, whatever the number of messages that the text takes.
Failure SendWithDescriptor(int socket, std::string_view text, int fd) {
  union {
    char bytes[CMSG_SPACE(sizeof(int))];
    cmsghdr align;
  } control{};
  msghdr message{};
  message.msg_control = control.bytes;
  message.msg_controllen = sizeof control.bytes;
  cmsghdr* rights = CMSG_FIRSTHDR(&message);
  rights->cmsg_level = SOL_SOCKET;
  rights->cmsg_type = SCM_RIGHTS;
  rights->cmsg_len = CMSG_LEN(sizeof(int));
  std::memcpy(CMSG_DATA(rights), &fd, sizeof fd);
  while (!text.empty()) {
    iovec part{const_cast<char*>(text.data()), text.size()};
    message.msg_iov = &part;
    message.msg_iovlen = 1;
    const ssize_t sent = RetryOnEintr([&] { return sendmsg(socket, &message, MSG_NOSIGNAL); });
    if (sent == -1) return Failed("sendmsg");
    text.remove_prefix(static_cast<std::size_t>(sent));
    message.msg_control = nullptr;
    message.msg_controllen = 0;
  }
  return {};
}

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
  return SendWithDescriptor(socket.get(), text, listener.get());
}

}  // namespace

Napi::Value SendSeccompListener(const Napi::CallbackInfo& info) { return Finish(info.Env(), HandOver(Options(info))); }

}  // namespace runtime_ts
