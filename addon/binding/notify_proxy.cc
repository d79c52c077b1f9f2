#include "binding/notify_proxy.h"

#include <fcntl.h>
#include <sys/socket.h>

#include <string_view>

#include "binding/unix_socket.h"
#include "binding/wait.h"

namespace runtime_ts {
namespace {

// One assignment a line (sd_notify(3)).
bool SaysReady(std::string_view datagram) {
  while (!datagram.empty()) {
    const std::size_t end = datagram.find('\n');
    if (datagram.substr(0, end) == "READY=1") return true;
    if (end == std::string_view::npos) break;
    datagram.remove_prefix(end + 1);
  }
  return false;
}

}  // namespace

Failure NotifyProxy::Relay() {
  char datagram[4096];
  const ssize_t size = RetryOnEintr([&] { return recv(socket_, datagram, sizeof datagram, MSG_DONTWAIT); });
  if (size == -1) return errno == EAGAIN ? Failure{} : Failed("recvfrom", "notify socket");
  if (!SaysReady({datagram, static_cast<std::size_t>(size)})) return {};

  UniqueFd client;
  if (Failure failure = ConnectUnixSocket(target_, SOCK_DGRAM, &client)) return failure;
  const std::string message = "READY=1\nMAINPID=" + std::to_string(pid_) + "\n";
  if (RetryOnEintr([&] { return send(client.get(), message.data(), message.size(), MSG_NOSIGNAL); }) == -1) {
    return Failed("sendto", target_);
  }
  done_ = true;
  return {};
}

Failure NotifyProxy::Barrier(int timeout_ms) {
  UniqueFd client;
  if (Failure failure = ConnectUnixSocket(target_, SOCK_DGRAM, &client)) return failure;
  int ends[2];
  if (pipe2(ends, O_CLOEXEC) == -1) return Failed("pipe2");
  const UniqueFd read_end(ends[0]);
  UniqueFd write_end(ends[1]);

  // The receiver closes the descriptor when it comes to this message, which ends the pipe.
  if (Failure failure = SendDescriptor(client.get(), "BARRIER=1", write_end.get(), target_)) return failure;

  write_end.reset();
  pollfd closed{read_end.get(), 0, 0};
  const int ready = PollUntil(&closed, 1, Deadline::After(timeout_ms));
  if (ready == 0) return {"poll", ETIMEDOUT, target_};
  return ready == -1 ? Failed("poll", target_) : Failure{};
}

}  // namespace runtime_ts
