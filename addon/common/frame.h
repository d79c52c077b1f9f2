// Reading and writing the frames of protocol.h on a connected SOCK_STREAM socket. Used by both ends.
#pragma once

#include <string_view>

#include "common/buffer.h"
#include "common/unique_fd.h"
#include "protocol.h"

namespace runtime_ts {

struct Message {
  Frame kind{};
  Buffer payload;  // NUL-terminated beyond its size, also when empty
  UniqueFd fds[kMaxFds];
  int fd_count = 0;

  // Closes what the last frame left behind.
  void Clear();
};

enum class ReadResult {
  kFrame,
  kClosed,  // end of file where a frame would begin
  kFailed,  // errno: EPROTO for anything protocol.h forbids (end of file inside a frame, too long, lost descriptors)
};

// Blocks until a whole frame is there. Received descriptors are close-on-exec.
ReadResult ReadFrame(int channel, Message* message);

// Writes a whole frame; `fds` stay the caller's. False with errno set; EPIPE comes without a SIGPIPE.
bool WriteFrame(int channel, Frame kind, std::string_view payload = {}, const int* fds = nullptr, int fd_count = 0);

}  // namespace runtime_ts
