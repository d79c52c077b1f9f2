#include "binding/unix_socket.h"

#include <fcntl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>

#include <cstddef>
#include <cstring>
#include <string_view>

namespace runtime_ts {
namespace {

struct Address {
  sockaddr_un socket{};
  socklen_t length = 0;
};

bool MakeAddress(std::string_view name, Address* address) {
  if (name.empty() || name.size() >= sizeof address->socket.sun_path) {
    errno = name.empty() ? ENOENT : ENAMETOOLONG;
    return false;
  }
  address->socket.sun_family = AF_UNIX;
  std::memcpy(address->socket.sun_path, name.data(), name.size());
  const bool abstract = name.front() == '@';
  if (abstract) address->socket.sun_path[0] = '\0';
  // An abstract name ends where the address ends; a path ends with its NUL.
  address->length = static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + name.size() + (abstract ? 0 : 1));
  return true;
}

bool FitsAddress(const std::string& path) { return path.size() < sizeof(sockaddr_un::sun_path); }

std::string FdLink(const UniqueFd& fd) { return "/proc/self/fd/" + std::to_string(fd.get()); }

const sockaddr* Generic(const Address& address) { return reinterpret_cast<const sockaddr*>(&address.socket); }

}  // namespace

Failure BindUnixSocket(const std::string& path, int type, mode_t mode, UniqueFd* socket) {
  const std::size_t slash = path.rfind('/');
  const std::string parent = slash == std::string::npos ? "." : path.substr(0, slash + 1);
  const std::string name = slash == std::string::npos ? path : path.substr(slash + 1);
  const UniqueFd directory(open(parent.c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC));
  if (!directory) return Failed("open", parent);
  Address address;
  if (!MakeAddress(FdLink(directory) + "/" + name, &address)) return Failed("bind", path);

  socket->reset(::socket(AF_UNIX, type | SOCK_CLOEXEC, 0));
  if (!*socket) return Failed("socket", path);
  // bind(2) makes the file with the mode of the socket's own inode less the umask: never more open than asked for.
  if (fchmod(socket->get(), mode) == -1) return Failed("fchmod", path);
  if (bind(socket->get(), Generic(address), address.length) == -1) return Failed("bind", path);
  if (fchmodat(directory.get(), name.c_str(), mode, 0) == -1) return Failed("chmod", path);
  return {};
}

Failure ConnectUnixSocket(const std::string& path, int type, UniqueFd* socket, const timeval* patience) {
  UniqueFd target;
  std::string name = path;
  if (!FitsAddress(path) && path.front() != '@') {
    target.reset(open(path.c_str(), O_PATH | O_CLOEXEC));
    if (!target) return Failed("connect", path);
    name = FdLink(target);
  }
  Address address;
  if (!MakeAddress(name, &address)) return Failed("connect", path);
  socket->reset(::socket(AF_UNIX, type | SOCK_CLOEXEC, 0));
  if (!*socket) return Failed("socket", path);
  if (patience != nullptr && setsockopt(socket->get(), SOL_SOCKET, SO_SNDTIMEO, patience, sizeof *patience) == -1)
    return Failed("setsockopt", path);
  if (RetryOnEintr([&] { return connect(socket->get(), Generic(address), address.length); }) == -1) {
    return Failed("connect", path);
  }
  return {};
}

Failure SendDescriptor(int socket, std::string_view text, int fd, const std::string& receiver) {
  union {
    char bytes[CMSG_SPACE(sizeof(int))];
    cmsghdr align;
  } control{};
  msghdr message{};
  message.msg_control = control.bytes;
  message.msg_controllen = sizeof control.bytes;
  cmsghdr* rights = CMSG_FIRSTHDR(&message);
  rights->cmsg_level = SOL_SOCKET;
  rights->cmsg_type = SCM_RIGHTS;
  rights->cmsg_len = CMSG_LEN(sizeof(int));
  std::memcpy(CMSG_DATA(rights), &fd, sizeof fd);
  while (!text.empty()) {
    iovec part{const_cast<char*>(text.data()), text.size()};
    message.msg_iov = &part;
    message.msg_iovlen = 1;
    const ssize_t sent = RetryOnEintr([&] { return sendmsg(socket, &message, MSG_NOSIGNAL); });
    if (sent == -1) return Failed("sendmsg", receiver);
    text.remove_prefix(static_cast<std::size_t>(sent));
    message.msg_control = nullptr;
    message.msg_controllen = 0;
  }
  return {};
}

}  // namespace runtime_ts
