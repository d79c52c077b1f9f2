#include "init/channel.h"

#include <unistd.h>

namespace runtime_ts {

// Each of the frames that the engine sends comes at most once before it is read.
int Channel::Slot(Frame kind) {
  switch (kind) {
    case Frame::kIdMapDone:
      return 0;
    case Frame::kCgroup:
      return 1;
    case Frame::kHooksDone:
      return 2;
    case Frame::kSeccomp:
      return 3;
    case Frame::kListen:
      return 4;
    case Frame::kStart:
      return 5;
    case Frame::kPlan:
      return 6;
    case Frame::kMapMountDone:
      return 7;
    case Frame::kSource:
      return 8;
    case Frame::kNetDevicesDone:
      return 9;
    default:
      return -1;
  }
}

void Channel::WaitForBarrier() {
  if (!barrier_) return;
  char byte = 0;
  RetryOnEintr([&] { return read(barrier_.get(), &byte, 1); });
  barrier_.reset();
}

Status Channel::Send(Frame kind, std::string_view payload, int fd) {
  WaitForBarrier();
  const bool sent = WriteFrame(fd_.get(), kind, payload, &fd, fd >= 0 ? 1 : 0);
  return sent ? Status::Ok() : Status::Errno("sendmsg", "engine channel");
}

Status Channel::Receive(Frame kind, Message* message) {
  const int wanted = Slot(kind);
  if (wanted >= 0 && is_early_[wanted]) {
    *message = std::move(early_[wanted]);
    is_early_[wanted] = false;
    return Status::Ok();
  }
  for (;;) {
    switch (ReadFrame(fd_.get(), message)) {
      case ReadResult::kClosed:
        _exit(1);
      case ReadResult::kFailed:
        if (errno == ECONNRESET) _exit(1);
        return Status::Errno("recvmsg", "engine channel");
      case ReadResult::kFrame:
        break;
    }
    if (message->kind == kind) return Status::Ok();
    const int slot = Slot(message->kind);
    if (slot < 0 || is_early_[slot]) return Status::Make("recvmsg", EPROTO, "unexpected frame from the engine");
    early_[slot] = std::move(*message);
    is_early_[slot] = true;
  }
}

}  // namespace runtime_ts
