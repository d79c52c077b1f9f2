// The steps that move network devices into the container's network namespace (config-linux.md, "Network Devices").
#include <fcntl.h>
#include <linux/if.h>
#include <sys/stat.h>

#include <string>
#include <utility>
#include <vector>

#include "steps/host_netlink.h"
#include "steps/host_steps.h"

namespace runtime_ts {
namespace {

// A device that was moved, with what it takes to move it back: a create that fails must leave the host as it was, and
// the kernel destroys virtual devices together with their namespace.
struct Moved {
  UniqueFd network_namespace;
  NetLink before;
  int index = 0;
  std::vector<NetAddress> addresses;
};

std::vector<Moved>& AllMoved() {
  static std::vector<Moved> all;
  return all;
}

bool SameFile(int fd, const char* path, bool* same) {
  struct stat one {};
  struct stat other {};
  if (fstat(fd, &one) == -1 || stat(path, &other) == -1) return false;
  *same = one.st_dev == other.st_dev && one.st_ino == other.st_ino;
  return true;
}

constexpr char kOwnNamespace[] = "/proc/self/ns/net";

// IPv4 addresses carry their device's name, perhaps with a suffix (eth0:1). The name must be the new one, without
// which the kernel puts it itself.
void Rename(NetAddress* address, const std::string& from, const std::string& to) {
  std::vector<NetAddress::Attribute> kept;
  for (NetAddress::Attribute& attribute : address->attributes) {
    if (attribute.type == IFA_LABEL) {
      // Without its NUL.
      const std::string label = attribute.value.substr(0, attribute.value.find('\0'));
      const bool has_suffix = label.size() > from.size() && label.compare(0, from.size() + 1, from + ":") == 0;
      const std::string renamed = to + (has_suffix ? label.substr(from.size()) : "");
      if (!has_suffix || renamed.size() >= IFNAMSIZ) continue;
      attribute.value.assign(renamed.c_str(), renamed.size() + 1);
    }
    kept.push_back(std::move(attribute));
  }
  address->attributes = std::move(kept);
}

Failure AddAddresses(Netlink* netlink, int index, const std::string& old_name, std::vector<NetAddress> addresses) {
  NetLink link;
  if (Failure failure = netlink->FindLink(index, &link)) return failure;
  for (NetAddress& address : addresses) {
    Rename(&address, old_name, link.name);
    if (Failure failure = netlink->AddAddress(index, address)) return failure;
  }
  return {};
}

// The kernel has taken all addresses at the move; on the way out only those come back that mean something elsewhere.
Failure Configure(Netlink* netlink, int index, const std::string& old_name, const std::vector<NetAddress>& all) {
  std::vector<NetAddress> lasting;
  for (const NetAddress& address : all) {
    if (address.lasting) lasting.push_back(address);
  }
  if (Failure failure = AddAddresses(netlink, index, old_name, std::move(lasting))) return failure;
  return netlink->SetUp(index);
}

Failure Return(const Moved& moved) {
  const UniqueFd home(open(kOwnNamespace, O_RDONLY | O_CLOEXEC));
  if (!home) return Failed("open", kOwnNamespace);
  Netlink here;
  Netlink there;
  NetLink link;
  if (Failure failure = Netlink::Open(&here)) return failure;
  if (Failure failure = Netlink::OpenIn(moved.network_namespace.get(), &there)) return failure;
  if (Failure failure = there.FindLink(moved.index, &link)) return failure;
  if (Failure failure = there.MoveLink(moved.index, home.get(), moved.before.name)) return failure;
  NetLink returned;
  if (Failure failure = here.FindLink(moved.before.name, &returned)) return failure;
  if (Failure failure = AddAddresses(&here, returned.index, moved.before.name, moved.addresses)) return failure;
  return moved.before.up ? here.SetUp(returned.index) : Failure{};
}

Failure Named(Failure failure, const std::string& device) {
  if (failure && failure.detail.empty()) failure.detail = device;
  return failure;
}

bool IsPattern(const std::string& name) { return name.find('%') != std::string::npos; }

}  // namespace

Failure MoveNetDevice(const JsonValue& step, pid_t pid) {
  const std::string device = JsonString(step, "device", "");
  const std::string path = JsonString(step, "namespace", ("/proc/" + std::to_string(pid) + "/ns/net").c_str());
  Moved moved;
  moved.network_namespace.reset(open(path.c_str(), O_RDONLY | O_CLOEXEC));
  if (!moved.network_namespace) return Failed("open", path);
  bool own = false;
  if (!SameFile(moved.network_namespace.get(), kOwnNamespace, &own)) return Failed("stat", kOwnNamespace);
  if (own) return {"setns", EXDEV, path};

  Netlink here;
  Netlink notices;
  Netlink there;
  if (Failure failure = Netlink::Open(&here)) return failure;
  if (Failure failure = Netlink::Open(&notices, RTMGRP_LINK)) return failure;
  if (Failure failure = Netlink::OpenIn(moved.network_namespace.get(), &there)) return failure;
  if (Failure failure = here.FindLink(device, &moved.before)) return Named(std::move(failure), device);
  const std::string name = JsonString(step, "name", moved.before.name.c_str());
  // The kernel gives the name only after the move, so it would find a conflict too late.
  NetLink taken;
  if (!IsPattern(name)) {
    Failure search = there.FindLink(name, &taken);
    if (!search) return {"rtnetlink", EEXIST, name};
    if (search.number != ENODEV) return search;
  }
  // Before anything changes: closing a device takes its IPv6 addresses.
  if (Failure failure = here.Addresses(moved.before.index, &moved.addresses)) return Named(std::move(failure), device);

  const Failure refused = here.MoveLink(moved.before.index, moved.network_namespace.get(), name);
  moved.index = notices.IndexAfterMove(moved.before.index);
  // The notice got lost on a very busy host.
  if (!refused && moved.index == 0 && !IsPattern(name) && !there.FindLink(name, &taken)) moved.index = taken.index;
  if (refused && moved.index == 0) return Named(refused, device);
  if (moved.index == 0) return {"rtnetlink", ENODEV, name};

  const int index = moved.index;
  const NetLink before = moved.before;
  const std::vector<NetAddress> addresses = moved.addresses;
  AllMoved().push_back(std::move(moved));
  if (refused) return Named(refused, device);
  return Named(Configure(&there, index, before.name, addresses), device);
}

Failure ReturnNetDevices() {
  Failure first;
  std::vector<Moved>& all = AllMoved();
  while (!all.empty()) {
    Failure failure = Named(Return(all.back()), all.back().before.name);
    if (failure && !first) first = std::move(failure);
    all.pop_back();
  }
  return first;
}

Failure KeepNetDevices() {
  AllMoved().clear();
  return {};
}

}  // namespace runtime_ts
