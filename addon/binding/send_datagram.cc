// The verb that sends one message to a datagram socket: what loggers listen on.
#include <sys/socket.h>

#include "binding/unix_socket.h"
#include "binding/verb.h"
#include "binding/verbs.h"

namespace runtime_ts {
namespace {

// A logger that has stopped reading must not make a command hang.
constexpr timeval kPatience{1, 0};

Failure SendOne(const std::string& path, const Napi::Uint8Array& data) {
  UniqueFd socket;
  if (Failure failure = ConnectUnixSocket(path, SOCK_DGRAM, &socket, &kPatience)) return failure;
  const ssize_t sent =
      RetryOnEintr([&] { return send(socket.get(), data.Data(), data.ElementLength(), MSG_NOSIGNAL); });
  return sent == -1 ? Failed("sendto", path) : Failure{};
}

}  // namespace

Napi::Value SendDatagram(const Napi::CallbackInfo& info) {
  const Options options(info);
  return Finish(info.Env(), SendOne(options.Path("path"), options.Get("data").As<Napi::Uint8Array>()));
}

}  // namespace runtime_ts
