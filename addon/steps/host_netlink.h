// As much of rtnetlink(7) as moving a network device takes.
#pragma once

#include <linux/if_addr.h>
#include <linux/rtnetlink.h>

#include <string>
#include <vector>

#include "binding/failure.h"
#include "common/unique_fd.h"

namespace runtime_ts {

struct NetLink {
  int index = 0;
  bool up = false;
  std::string name;
};

// An address, as the kernel gave it and takes it back.
struct NetAddress {
  // Permanent and of global scope: what the specification wants kept (RFC 3549, 2.3.3.2).
  bool lasting = false;
  ifaddrmsg header{};
  struct Attribute {
    std::uint16_t type;
    std::string value;
  };
  std::vector<Attribute> attributes;
};

// A NETLINK_ROUTE socket; it stays in the network namespace where it was made, whoever uses it.
class Netlink {
 public:
  // `groups`: bits of RTMGRP_*, for a socket that hears of changes.
  static Failure Open(Netlink* made, unsigned groups = 0);
  // In the network namespace behind the descriptor.
  static Failure OpenIn(int network_namespace, Netlink* made, unsigned groups = 0);

  // ENODEV when there is none.
  Failure FindLink(const std::string& name, NetLink* link);
  Failure FindLink(int index, NetLink* link);
  // In the kernel's order: a secondary one follows its primary one.
  Failure Addresses(int index, std::vector<NetAddress>* addresses);
  Failure AddAddress(int index, const NetAddress& address);
  Failure SetUp(int index);
  // Closes the device, moves it, and then gives it the name, which may be a pattern such as eth%d.
  Failure MoveLink(int index, int network_namespace, const std::string& name);
  // For a socket with RTMGRP_LINK: the index that a device got elsewhere, by the notice that it left; 0 without one.
  int IndexAfterMove(int index);

 private:
  ssize_t Receive(std::vector<char>* datagram, int flags);
  Failure Transact(nlmsghdr* request);
  Failure Ask(nlmsghdr* request, NetLink* link);

  UniqueFd socket_;
};

}  // namespace runtime_ts
