// The verbs for a new container's terminal: handed to whoever asked for it with --console-socket, or made to fit ours.
#include <sys/socket.h>

#include <cstring>

#include "binding/terminal_relay.h"
#include "binding/unix_socket.h"
#include "binding/verb.h"
#include "binding/verbs.h"

namespace runtime_ts {
namespace {

// One message: the name as payload, the descriptor beside it. Receivers (go-runc's console.go, conmon) read exactly
// one and take the name from it.
Failure SendDescriptor(int socket, const std::string& name, int fd) {
  iovec part{const_cast<char*>(name.data()), name.size()};
  union {
    char bytes[CMSG_SPACE(sizeof(int))];
    cmsghdr align;
  } control{};
  msghdr message{};
  message.msg_iov = &part;
  message.msg_iovlen = 1;
  message.msg_control = control.bytes;
  message.msg_controllen = sizeof control.bytes;
  cmsghdr* rights = CMSG_FIRSTHDR(&message);
  rights->cmsg_level = SOL_SOCKET;
  rights->cmsg_type = SCM_RIGHTS;
  rights->cmsg_len = CMSG_LEN(sizeof(int));
  std::memcpy(CMSG_DATA(rights), &fd, sizeof fd);
  if (RetryOnEintr([&] { return sendmsg(socket, &message, MSG_NOSIGNAL); }) == -1)
    return Failed("sendmsg", "console socket");
  return {};
}

}  // namespace

Napi::Value SendTerminal(const Napi::CallbackInfo& info) {
  const Options options(info);
  UniqueFd socket;
  Failure failure = ConnectUnixSocket(options.Path("socket"), SOCK_STREAM, &socket);
  if (!failure) failure = SendDescriptor(socket.get(), options.Text("name"), options.Integer("fd"));
  return Finish(info.Env(), failure);
}

Napi::Value CopyTerminalSize(const Napi::CallbackInfo& info) {
  CopyCallersSize(Options(info).Integer("fd"));
  return info.Env().Undefined();
}

}  // namespace runtime_ts
