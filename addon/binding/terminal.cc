// The verbs for a new container's terminal: handed to whoever asked for it with --console-socket, or made to fit ours.
#include <sys/socket.h>
#include <termios.h>

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

Napi::Value FitTerminal(const Napi::CallbackInfo& info) {
  const int master = Options(info).Integer("fd");
  CopyCallersSize(master);
  // \n stays \n on its way to us, as with runc: our own terminal is the one that makes \r\n of it. Who has the master
  // by --console-socket gets the terminal as the kernel made it: clients of containerd and Docker are raw (no OPOST)
  // and count on its \r\n.
  termios settings{};
  if (tcgetattr(master, &settings) < 0) return Finish(info.Env(), Failed("tcgetattr", "pty"));
  settings.c_oflag &= ~static_cast<tcflag_t>(ONLCR);
  if (tcsetattr(master, TCSANOW, &settings) < 0) return Finish(info.Env(), Failed("tcsetattr", "pty"));
  return info.Env().Undefined();
}

}  // namespace runtime_ts
