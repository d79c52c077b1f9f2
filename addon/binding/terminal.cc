// The verbs for a new container's terminal: handed to whoever asked for it with --console-socket, or made to fit ours.
#include <sys/socket.h>

#include "binding/terminal_relay.h"
#include "binding/unix_socket.h"
#include "binding/verb.h"
#include "binding/verbs.h"

namespace runtime_ts {
Napi::Value SendTerminal(const Napi::CallbackInfo& info) {
  const Options options(info);
  UniqueFd socket;
  Failure failure = ConnectUnixSocket(options.Path("socket"), SOCK_STREAM, &socket);
  // One message: the name as payload, the descriptor beside it. Receivers (go-runc's console.go, conmon) read exactly
  // one and take the name from it.
  if (!failure) failure = SendDescriptor(socket.get(), options.Text("name"), options.Integer("fd"), "console socket");
  return Finish(info.Env(), failure);
}

Napi::Value CopyTerminalSize(const Napi::CallbackInfo& info) {
  CopyCallersSize(Options(info).Integer("fd"));
  return info.Env().Undefined();
}

}  // namespace runtime_ts
