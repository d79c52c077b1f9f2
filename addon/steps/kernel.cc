// Single settings of the kernel: keyring.join, network.up, cgroup.join, uts.*.
#include <linux/keyctl.h>
#include <net/if.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <cstring>

#include "steps/steps.h"

namespace runtime_ts {
namespace {

// KEY_USR_SEARCH of keyrings(7): whoever runs as the owner finds the keyring, not only who possesses it. runc does the
// same, so that `exec` can join the session.
constexpr unsigned kUserMaySearch = 0x080000;

}  // namespace

Status steps::JoinKeyring(Context&, const JsonValue& step) {
  const char* name = JsonString(step, "name", "");
  const long ring = syscall(SYS_keyctl, KEYCTL_JOIN_SESSION_KEYRING, name);
  // A kernel without CONFIG_KEYS has no host keyring that could leak in.
  if (ring < 0) return errno == ENOSYS ? Status::Ok() : Status::Errno("keyctl", name);

  if (JsonBool(step, "existing")) return Status::Ok();

  // "keyring;0;0;3f130000;name"
  char text[256];
  const long size = syscall(SYS_keyctl, KEYCTL_DESCRIBE, ring, text, sizeof text);
  if (size < 0) return Status::Errno("keyctl", "KEYCTL_DESCRIBE");
  text[sizeof text - 1] = '\0';
  const char* field = text;
  for (int skip = 0; skip < 3 && field != nullptr; skip++) {
    field = strchr(field, ';');
    if (field != nullptr) field++;
  }
  if (field == nullptr) return Status::Make("keyctl", EPROTO, text);
  const unsigned long permissions = strtoul(field, nullptr, 16) | kUserMaySearch;
  if (syscall(SYS_keyctl, KEYCTL_SETPERM, ring, permissions) < 0) return Status::Errno("keyctl", "KEYCTL_SETPERM");
  return Status::Ok();
}

Status steps::SetUpNetworkDevice(Context&, const JsonValue& step) {
  const char* device = JsonString(step, "device", "");
  // Interface ioctls work on a socket of any family, and this one needs no protocol module.
  UniqueFd any(socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0));
  if (!any) return Status::Errno("socket", device);
  ifreq request{};
  snprintf(request.ifr_name, sizeof request.ifr_name, "%s", device);
  if (ioctl(any.get(), SIOCGIFFLAGS, &request) < 0) return Status::Errno("SIOCGIFFLAGS", device);
  request.ifr_flags = static_cast<short>(request.ifr_flags | IFF_UP);
  if (ioctl(any.get(), SIOCSIFFLAGS, &request) < 0) return Status::Errno("SIOCSIFFLAGS", device);
  return Status::Ok();
}

Status steps::JoinCgroups(Context& context, const JsonValue&) {
  Message cgroups;
  RETURN_IF_FAILED(context.channel.Receive(Frame::kCgroup, &cgroups));
  const char* line = cgroups.payload.data();
  for (int i = 0; i < cgroups.fd_count; i++) {
    const std::string_view directory(line, strcspn(line, "\n"));
    // 0 is the thread that writes; see the schema for why it is `tasks` and not `cgroup.procs`.
    if (write(cgroups.fds[i].get(), "0", 1) < 0) return Status::Errno("write", directory);
    line += directory.size() + (line[directory.size()] == '\n' ? 1 : 0);
  }
  return Status::Ok();
}

Status steps::SetHostname(Context&, const JsonValue& step) {
  const char* name = JsonString(step, "name", "");
  return sethostname(name, strlen(name)) < 0 ? Status::Errno("sethostname", name) : Status::Ok();
}

Status steps::SetDomainname(Context&, const JsonValue& step) {
  const char* name = JsonString(step, "name", "");
  return setdomainname(name, strlen(name)) < 0 ? Status::Errno("setdomainname", name) : Status::Ok();
}

}  // namespace runtime_ts
