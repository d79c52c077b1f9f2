#include "steps/host_netlink.h"

#include <linux/if.h>
#include <linux/if_link.h>
#include <linux/netlink.h>
#include <sched.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/wait.h>

#include <cstddef>
#include <cstring>
#include <string_view>

#ifndef IFLA_NEW_IFINDEX
#define IFLA_NEW_IFINDEX 49  // Linux 4.16
#endif

namespace runtime_ts {
namespace {

// The kernel fills up to 32 KiB at once for who offers that much.
constexpr std::size_t kReplySize = std::size_t{32} * 1024;
// A dump that others disturb is taken again.
constexpr int kDumpTries = 10;

// A request with room for its attributes.
template <typename Body>
struct Request {
  nlmsghdr header{};
  Body body{};
  char attributes[2048] = {};

  explicit Request(int type, int flags) {
    header.nlmsg_type = static_cast<std::uint16_t>(type);
    header.nlmsg_flags = static_cast<std::uint16_t>(NLM_F_REQUEST | flags);
    header.nlmsg_len = NLMSG_LENGTH(sizeof body);
  }

  bool Add(int type, const void* value, std::size_t size) {
    const std::size_t at = NLMSG_ALIGN(header.nlmsg_len);
    if (at + RTA_SPACE(size) > sizeof *this) return false;
    auto* attribute = reinterpret_cast<rtattr*>(reinterpret_cast<char*>(this) + at);
    attribute->rta_type = static_cast<std::uint16_t>(type);
    attribute->rta_len = static_cast<std::uint16_t>(RTA_LENGTH(size));
    std::memcpy(RTA_DATA(attribute), value, size);
    header.nlmsg_len = static_cast<std::uint32_t>(at + RTA_LENGTH(size));
    return true;
  }
};

// Calls `each(type, value)` for the attributes behind a message's body.
template <typename Each>
void ForEachAttribute(const nlmsghdr* message, std::size_t body, Each each) {
  const char* at = static_cast<const char*>(NLMSG_DATA(message)) + NLMSG_ALIGN(body);
  const char* end = reinterpret_cast<const char*>(message) + message->nlmsg_len;
  while (end - at >= static_cast<std::ptrdiff_t>(sizeof(rtattr))) {
    const auto* attribute = reinterpret_cast<const rtattr*>(at);
    if (attribute->rta_len < sizeof(rtattr) || attribute->rta_len > end - at) return;
    const std::string_view value(at + RTA_LENGTH(0), attribute->rta_len - RTA_LENGTH(0));
    each(attribute->rta_type & NLA_TYPE_MASK, value);
    at += RTA_ALIGN(attribute->rta_len);
  }
}

std::string Text(std::string_view value) { return std::string(value.substr(0, value.find('\0'))); }

std::int32_t Integer(std::string_view value) {
  std::int32_t number = 0;
  if (value.size() == sizeof number) std::memcpy(&number, value.data(), sizeof number);
  return number;
}

// Error 0 is an acknowledgement. The kernel's own sentence, where it has one, stands behind the message.
Failure ErrorOf(const nlmsghdr* message) {
  const auto* error = static_cast<const nlmsgerr*>(NLMSG_DATA(message));
  if (error->error == 0) return {};
  std::string text;
  if ((message->nlmsg_flags & NLM_F_ACK_TLVS) != 0) {
    const std::size_t echoed = (message->nlmsg_flags & NLM_F_CAPPED) != 0 ? 0 : error->msg.nlmsg_len - sizeof(nlmsghdr);
    ForEachAttribute(message, sizeof *error + echoed, [&](int type, std::string_view value) {
      if (type == NLMSGERR_ATTR_MSG) text = Text(value);
    });
  }
  return {"rtnetlink", -error->error, text};
}

void ReadLink(const nlmsghdr* message, NetLink* link) {
  const auto* body = static_cast<const ifinfomsg*>(NLMSG_DATA(message));
  link->index = body->ifi_index;
  link->up = (body->ifi_flags & IFF_UP) != 0;
  ForEachAttribute(message, sizeof *body, [&](int type, std::string_view value) {
    if (type == IFLA_IFNAME) link->name = Text(value);
  });
}

void ReadAddress(const nlmsghdr* message, NetAddress* address) {
  address->header = *static_cast<const ifaddrmsg*>(NLMSG_DATA(message));
  auto flags = static_cast<std::uint32_t>(address->header.ifa_flags);
  ForEachAttribute(message, sizeof address->header, [&](int type, std::string_view value) {
    if (type == IFA_FLAGS) flags = static_cast<std::uint32_t>(Integer(value));
    address->attributes.push_back({static_cast<std::uint16_t>(type), std::string(value)});
  });
  address->lasting = (flags & IFA_F_PERMANENT) != 0 && address->header.ifa_scope == RT_SCOPE_UNIVERSE;
}

struct Visit {
  int network_namespace;
  unsigned groups;
  int made = -1;
  int number = 0;
  const char* call = nullptr;
};

int MakeSocket(unsigned groups, const char** call) {
  const int made = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_ROUTE);
  *call = "socket";
  if (made < 0) return -1;
  sockaddr_nl address{};
  address.nl_family = AF_NETLINK;
  address.nl_groups = groups;
  *call = "bind";
  if (bind(made, reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0) return made;
  const int number = errno;
  close(made);
  errno = number;
  return -1;
}

// In a child that shares our memory and descriptors: plain system calls only.
int VisitNamespace(void* argument) {
  auto* visit = static_cast<Visit*>(argument);
  visit->call = "setns";
  if (setns(visit->network_namespace, CLONE_NEWNET) == 0) visit->made = MakeSocket(visit->groups, &visit->call);
  if (visit->made < 0) visit->number = errno;
  _exit(0);
}

Failure Prepare(int socket) {
  const int on = 1;
  // Sentences with the errors; dumps that obey the filter (Linux 4.20).
  if (setsockopt(socket, SOL_NETLINK, NETLINK_EXT_ACK, &on, sizeof on) == -1 ||
      setsockopt(socket, SOL_NETLINK, NETLINK_GET_STRICT_CHK, &on, sizeof on) == -1) {
    return Failed("setsockopt", "rtnetlink");
  }
  return {};
}

}  // namespace

Failure Netlink::Open(Netlink* made, unsigned groups) {
  const char* call = nullptr;
  made->socket_.reset(MakeSocket(groups, &call));
  return made->socket_ ? Prepare(made->socket_.get()) : Failed(call, "rtnetlink");
}

// The engine itself never enters a container's namespace; a child of it does, and lives for three system calls.
Failure Netlink::OpenIn(int network_namespace, Netlink* made, unsigned groups) {
  Visit visit{network_namespace, groups};
  alignas(16) char stack[16 * 1024];
  sigset_t all;
  sigset_t before;
  sigfillset(&all);
  // No handler of the engine may run in the child, on memory that both share.
  pthread_sigmask(SIG_SETMASK, &all, &before);
  // No exit signal: whoever waits for children of the engine does not hear of this one.
  const int pid = clone(VisitNamespace, stack + sizeof stack, CLONE_VM | CLONE_VFORK | CLONE_FILES, &visit);
  const int clone_errno = errno;
  if (pid > 0) RetryOnEintr([&] { return waitpid(pid, nullptr, __WCLONE); });
  pthread_sigmask(SIG_SETMASK, &before, nullptr);
  if (pid == -1) return {"clone", clone_errno, "rtnetlink"};
  if (visit.made < 0) return {visit.call, visit.number, "network namespace"};
  made->socket_.reset(visit.made);
  return Prepare(visit.made);
}

// One datagram of the kernel's, which has no port. Root of a network namespace can send to the ports in it, too
// (netlink(7), CAP_NET_ADMIN), and a namespace that is joined may be somebody else's.
ssize_t Netlink::Receive(std::vector<char>* datagram, int flags) {
  for (;;) {
    sockaddr_nl sender{};
    socklen_t length = sizeof sender;
    const ssize_t size = RetryOnEintr([&] {
      return recvfrom(socket_.get(), datagram->data(), datagram->size(), flags, reinterpret_cast<sockaddr*>(&sender),
                      &length);
    });
    if (size == -1 || sender.nl_pid == 0) return size;
  }
}

// Sends a request with NLM_F_ACK and waits for the answer.
Failure Netlink::Transact(nlmsghdr* request) {
  request->nlmsg_flags |= NLM_F_ACK;
  return Ask(request, nullptr);
}

Failure Netlink::Ask(nlmsghdr* request, NetLink* link) {
  if (RetryOnEintr([&] { return send(socket_.get(), request, request->nlmsg_len, 0); }) == -1)
    return Failed("send", "rtnetlink");
  std::vector<char> reply(kReplySize);
  for (;;) {
    const ssize_t size = Receive(&reply, 0);
    if (size == -1) return Failed("recv", "rtnetlink");
    auto left = static_cast<unsigned>(size);
    for (auto* message = reinterpret_cast<nlmsghdr*>(reply.data()); NLMSG_OK(message, left);
         message = NLMSG_NEXT(message, left)) {
      if (message->nlmsg_type == NLMSG_ERROR) return ErrorOf(message);
      if (message->nlmsg_type != RTM_NEWLINK || link == nullptr) continue;
      ReadLink(message, link);
      return {};
    }
  }
}

Failure Netlink::FindLink(const std::string& name, NetLink* link) {
  Request<ifinfomsg> request(RTM_GETLINK, 0);
  if (!request.Add(IFLA_IFNAME, name.c_str(), name.size() + 1)) return {"rtnetlink", ENAMETOOLONG, name};
  Failure failure = Ask(&request.header, link);
  if (failure && failure.detail.empty()) failure.detail = name;
  return failure;
}

Failure Netlink::FindLink(int index, NetLink* link) {
  Request<ifinfomsg> request(RTM_GETLINK, 0);
  request.body.ifi_index = index;
  return Ask(&request.header, link);
}

Failure Netlink::Addresses(int index, std::vector<NetAddress>* addresses) {
  std::vector<char> reply(kReplySize);
  for (int tries = 0; tries < kDumpTries; tries++) {
    addresses->clear();
    bool disturbed = false;
    bool done = false;
    Request<ifaddrmsg> request(RTM_GETADDR, NLM_F_DUMP);
    request.body.ifa_index = static_cast<unsigned>(index);
    if (RetryOnEintr([&] { return send(socket_.get(), &request, request.header.nlmsg_len, 0); }) == -1)
      return Failed("send", "rtnetlink");
    while (!done) {
      const ssize_t size = Receive(&reply, 0);
      if (size == -1) return Failed("recv", "rtnetlink");
      auto left = static_cast<unsigned>(size);
      for (auto* message = reinterpret_cast<nlmsghdr*>(reply.data()); NLMSG_OK(message, left);
           message = NLMSG_NEXT(message, left)) {
        disturbed = disturbed || (message->nlmsg_flags & NLM_F_DUMP_INTR) != 0;
        done = done || message->nlmsg_type == NLMSG_DONE;
        if (message->nlmsg_type == NLMSG_ERROR) return ErrorOf(message);
        if (message->nlmsg_type != RTM_NEWADDR) continue;
        NetAddress address;
        ReadAddress(message, &address);
        if (static_cast<int>(address.header.ifa_index) == index) addresses->push_back(std::move(address));
      }
    }
    if (!disturbed) return {};
  }
  return {"rtnetlink", EAGAIN, "addresses"};
}

Failure Netlink::AddAddress(int index, const NetAddress& address) {
  Request<ifaddrmsg> request(RTM_NEWADDR, NLM_F_CREATE | NLM_F_REPLACE);
  request.body = address.header;
  request.body.ifa_index = static_cast<unsigned>(index);
  for (const auto& attribute : address.attributes) {
    if (!request.Add(attribute.type, attribute.value.data(), attribute.value.size()))
      return {"rtnetlink", EMSGSIZE, "address"};
  }
  return Transact(&request.header);
}

Failure Netlink::SetUp(int index) {
  Request<ifinfomsg> request(RTM_NEWLINK, 0);
  request.body.ifi_index = index;
  request.body.ifi_flags = IFF_UP;
  request.body.ifi_change = IFF_UP;
  return Transact(&request.header);
}

Failure Netlink::MoveLink(int index, int network_namespace, const std::string& name) {
  Request<ifinfomsg> request(RTM_NEWLINK, 0);
  request.body.ifi_index = index;
  if (!request.Add(IFLA_NET_NS_FD, &network_namespace, sizeof network_namespace) ||
      !request.Add(IFLA_IFNAME, name.c_str(), name.size() + 1)) {
    return {"rtnetlink", ENAMETOOLONG, name};
  }
  return Transact(&request.header);
}

int Netlink::IndexAfterMove(int index) {
  std::vector<char> notice(kReplySize);
  for (;;) {
    const ssize_t size = Receive(&notice, MSG_DONTWAIT);
    // ENOBUFS: some were lost on a busy host; those that are left may have ours.
    if (size == -1 && errno == ENOBUFS) continue;
    if (size == -1) return 0;
    auto left = static_cast<unsigned>(size);
    for (auto* message = reinterpret_cast<nlmsghdr*>(notice.data()); NLMSG_OK(message, left);
         message = NLMSG_NEXT(message, left)) {
      const auto* body = static_cast<const ifinfomsg*>(NLMSG_DATA(message));
      if (message->nlmsg_type != RTM_DELLINK || body->ifi_index != index) continue;
      int elsewhere = 0;
      ForEachAttribute(message, sizeof *body, [&](int type, std::string_view value) {
        if (type == IFLA_NEW_IFINDEX) elsewhere = Integer(value);
      });
      if (elsewhere > 0) return elsewhere;
    }
  }
}

}  // namespace runtime_ts
