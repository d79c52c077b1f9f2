#include "common/frame.h"

#include <sys/socket.h>
#include <sys/uio.h>

#include <cstring>

namespace runtime_ts {
namespace {

// The control data of one message, aligned as cmsg(3) wants it.
union ControlBuffer {
  char bytes[CMSG_SPACE(sizeof(int) * kMaxFds)];
  cmsghdr align;
};

// Takes over the descriptors of a received message. False when some were lost: MSG_CTRUNC is set when more came than
// fit, and also when the receiver ran into RLIMIT_NOFILE.
bool TakeDescriptors(msghdr* header, Message* message) {
  bool complete = (header->msg_flags & MSG_CTRUNC) == 0;
  for (cmsghdr* control = CMSG_FIRSTHDR(header); control != nullptr; control = CMSG_NXTHDR(header, control)) {
    if (control->cmsg_level != SOL_SOCKET || control->cmsg_type != SCM_RIGHTS) continue;
    const std::size_t count = (control->cmsg_len - CMSG_LEN(0)) / sizeof(int);
    for (std::size_t i = 0; i < count; i++) {
      int fd = -1;
      std::memcpy(&fd, CMSG_DATA(control) + i * sizeof(int), sizeof(int));
      UniqueFd owned(fd);
      if (message->fd_count == kMaxFds) {
        complete = false;
      } else {
        message->fds[message->fd_count++] = std::move(owned);
      }
    }
  }
  return complete;
}

bool Protocol() {
  errno = EPROTO;
  return false;
}

// Reads exactly `size` bytes that belong to a frame that has begun.
bool ReadExactly(int channel, char* into, std::size_t size) {
  while (size > 0) {
    const ssize_t got = RetryOnEintr([&] { return recv(channel, into, size, MSG_WAITALL); });
    if (got < 0) return false;
    if (got == 0) return Protocol();
    into += got;
    size -= static_cast<std::size_t>(got);
  }
  return true;
}

bool ReadPayload(int channel, std::uint32_t length, Message* message) {
  if (length > kMaxPayload) return Protocol();
  if (!message->payload.Allocate(length)) {
    errno = ENOMEM;
    return false;
  }
  return ReadExactly(channel, message->payload.data(), length);
}

}  // namespace

void Message::Clear() {
  for (int i = 0; i < fd_count; i++) fds[i].reset();
  fd_count = 0;
  payload = Buffer();
}

ReadResult ReadFrame(int channel, Message* message) {
  message->Clear();

  Header header{};
  ControlBuffer control;
  iovec part{&header, sizeof header};
  msghdr incoming{};
  incoming.msg_iov = &part;
  incoming.msg_iovlen = 1;
  incoming.msg_control = control.bytes;
  incoming.msg_controllen = sizeof control.bytes;

  // Without MSG_WAITALL: descriptors come with the first byte, and a wait for the rest of the header could mix two
  // messages' control data.
  const ssize_t got = RetryOnEintr([&] { return recvmsg(channel, &incoming, MSG_CMSG_CLOEXEC); });
  if (got < 0) return ReadResult::kFailed;
  if (got == 0) return ReadResult::kClosed;
  if (!TakeDescriptors(&incoming, message)) {
    errno = EPROTO;
    return ReadResult::kFailed;
  }

  const auto begun = static_cast<std::size_t>(got);
  if (!ReadExactly(channel, reinterpret_cast<char*>(&header) + begun, sizeof header - begun))
    return ReadResult::kFailed;
  message->kind = static_cast<Frame>(header.kind);
  return ReadPayload(channel, header.length, message) ? ReadResult::kFrame : ReadResult::kFailed;
}

bool WriteFrame(int channel, Frame kind, std::string_view payload, const int* fds, int fd_count) {
  if (payload.size() > kMaxPayload || fd_count > kMaxFds) {
    errno = EMSGSIZE;
    return false;
  }
  Header header{static_cast<std::uint32_t>(kind), static_cast<std::uint32_t>(payload.size())};
  iovec parts[2] = {{&header, sizeof header}, {const_cast<char*>(payload.data()), payload.size()}};
  msghdr outgoing{};
  outgoing.msg_iov = parts;
  outgoing.msg_iovlen = 2;

  ControlBuffer control{};
  if (fd_count > 0) {
    const std::size_t bytes = sizeof(int) * static_cast<std::size_t>(fd_count);
    outgoing.msg_control = control.bytes;
    outgoing.msg_controllen = CMSG_SPACE(bytes);
    cmsghdr* rights = CMSG_FIRSTHDR(&outgoing);
    rights->cmsg_level = SOL_SOCKET;
    rights->cmsg_type = SCM_RIGHTS;
    rights->cmsg_len = CMSG_LEN(bytes);
    std::memcpy(CMSG_DATA(rights), fds, bytes);
  }

  while (outgoing.msg_iovlen > 0) {
    const ssize_t sent = RetryOnEintr([&] { return sendmsg(channel, &outgoing, MSG_NOSIGNAL); });
    if (sent < 0) return false;
    outgoing.msg_control = nullptr;  // the descriptors went with the first byte
    outgoing.msg_controllen = 0;

    auto left = static_cast<std::size_t>(sent);
    while (outgoing.msg_iovlen > 0 && left >= outgoing.msg_iov->iov_len) {
      left -= outgoing.msg_iov->iov_len;
      outgoing.msg_iov++;
      outgoing.msg_iovlen--;
    }
    if (outgoing.msg_iovlen > 0) {
      outgoing.msg_iov->iov_base = static_cast<char*>(outgoing.msg_iov->iov_base) + left;
      outgoing.msg_iov->iov_len -= left;
    }
  }
  return true;
}

}  // namespace runtime_ts
