// sd_notify: the container writes to a socket of ours, and what it says about being ready goes on to the caller's.
#pragma once

#include <sys/types.h>

#include <string>

#include "binding/failure.h"
#include "common/unique_fd.h"

namespace runtime_ts {

class NotifyProxy {
 public:
  // `socket` stays the caller's; `target` is its NOTIFY_SOCKET; `pid` the container's first process.
  NotifyProxy(int socket, std::string target, pid_t pid) : socket_(socket), target_(std::move(target)), pid_(pid) {}

  [[nodiscard]] int socket() const { return socket_; }
  [[nodiscard]] bool done() const { return done_; }

  // Takes one datagram, if there is one; passes READY=1 on, with our container as the MAINPID, because systemd knows
  // the runtime's pid only. Done after that.
  Failure Relay();

  // Waits until the caller has read what we sent: systemd finds the unit by the sender's pid, which must still exist.
  Failure Barrier(int timeout_ms);

 private:
  int socket_;
  std::string target_;
  pid_t pid_;
  bool done_ = false;
};

}  // namespace runtime_ts
