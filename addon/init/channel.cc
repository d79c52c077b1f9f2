#include "init/channel.h"

#include <sys/socket.h>
#include <unistd.h>

#include <cstdio>
#include <cstring>

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

Status Channel::Fetch(Frame kind) {
  const int slot = Slot(kind);
  if (is_early_[slot]) return Status::Ok();
  RETURN_IF_FAILED(Receive(kind, &early_[slot]));
  is_early_[slot] = true;
  return Status::Ok();
}

namespace {

// Number of the listener, with leading zeros, so that the frames can be laid out before it is known.
constexpr std::size_t kNumber = 10;
// More than the smallest send buffer (SOCK_MIN_SNDBUF, below 5 KiB) and a receiver's first read take.
constexpr std::size_t kPause = std::size_t{16} * 1024;

}  // namespace

Status Channel::PrepareListener(Buffer* frames) {
  WaitForBarrier();
  // The kernel raises it to its minimum.
  const int smallest = 0;
  if (setsockopt(fd_.get(), SOL_SOCKET, SO_SNDBUF, &smallest, sizeof smallest) < 0)
    return Status::Errno("setsockopt", "engine channel");
  if (!frames->Allocate(sizeof(Header) + kNumber + sizeof(Header) + kPause))
    return Status::Errno("malloc", "engine channel");
  const Header number{static_cast<std::uint32_t>(Frame::kSeccompListener), kNumber};
  const Header pause{static_cast<std::uint32_t>(Frame::kSeccompPause), kPause};
  memset(frames->data(), 0, frames->size());
  memcpy(frames->data(), &number, sizeof number);
  memcpy(frames->data() + sizeof number + kNumber, &pause, sizeof pause);
  return Status::Ok();
}

Status Channel::SendListener(Buffer* frames, int listener) {
  char number[kNumber + 1];
  snprintf(number, sizeof number, "%010d", listener);
  memcpy(frames->data() + sizeof(Header), number, kNumber);
  const ssize_t written = write(fd_.get(), frames->data(), frames->size());
  if (written == static_cast<ssize_t>(frames->size())) return Status::Ok();
  return written < 0 ? Status::Errno("write", "seccomp listener") : Status::Make("write", EPROTO, "seccomp listener");
}

}  // namespace runtime_ts
