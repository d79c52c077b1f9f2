// namespace.join, namespace.unshare, idmap.wait.
#include <fcntl.h>
#include <grp.h>
#include <sched.h>
#include <sys/prctl.h>
#include <unistd.h>

#include "steps/namespace_flags.h"
#include "steps/steps.h"
#include "steps/time_namespace.h"

namespace runtime_ts {
namespace {

struct Joined {
  UniqueFd fd;
  int flag = 0;
  const char* path = nullptr;
  bool done = false;
};

// Enters those that are left, the mount namespace last, because it takes the host's files away. With `refusable`, one
// that we have no right to enter (EPERM) stays for later.
Status Enter(Joined* joined, int count, bool refusable) {
  for (int pass = 0; pass < 2; pass++) {
    for (int i = 0; i < count; i++) {
      Joined& entry = joined[i];
      if (entry.done || entry.flag == CLONE_NEWUSER || (entry.flag == CLONE_NEWNS) != (pass == 1)) continue;
      // The flag makes the kernel refuse a namespace of another type.
      entry.done = setns(entry.fd.get(), entry.flag) == 0;
      if (!entry.done && !(refusable && errno == EPERM)) return Status::Errno("setns", entry.path);
    }
  }
  return Status::Ok();
}

}  // namespace

int NamespaceFlag(std::string_view type) {
  if (type == "user") return CLONE_NEWUSER;
  if (type == "mount") return CLONE_NEWNS;
  if (type == "pid") return CLONE_NEWPID;
  if (type == "network") return CLONE_NEWNET;
  if (type == "ipc") return CLONE_NEWIPC;
  if (type == "uts") return CLONE_NEWUTS;
  if (type == "cgroup") return CLONE_NEWCGROUP;
  if (type == "time") return CLONE_NEWTIME;
  return 0;
}

Status BecomeRoot(const JsonValue& step) {
  // Without CAP_SETGID in the parent namespace (rootless) setgroups is denied for good, and nothing needs it.
  if (setgroups(0, nullptr) < 0 && errno != EPERM) return Status::Errno("setgroups");
  const auto gid = static_cast<gid_t>(JsonInteger(step, "gid"));
  const auto uid = static_cast<uid_t>(JsonInteger(step, "uid"));
  // EINVAL: 0 is not mapped. The process's own user then: an id that is not mapped can't own anything (EOVERFLOW).
  if (setresgid(0, 0, 0) < 0 && (errno != EINVAL || setresgid(gid, gid, gid) < 0)) return Status::Errno("setresgid");
  if (setresuid(0, 0, 0) < 0 && (errno != EINVAL || setresuid(uid, uid, uid) < 0)) return Status::Errno("setresuid");
  return Status::Ok();
}

Status HideFromContainer() {
  return prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) < 0 ? Status::Errno("prctl", "PR_SET_DUMPABLE") : Status::Ok();
}

Status steps::JoinNamespaces(Context& context, const JsonValue& step) {
  constexpr int kTypes = 8;
  Joined joined[kTypes];
  int count = 0;
  Joined* user = nullptr;

  RETURN_IF_FAILED(HideFromContainer());
  RETURN_IF_FAILED(OpenTimeOffsets(context));
  const JsonValue* list = JsonMember(step, "namespaces");
  if (list == nullptr || !list->IsArray() || list->Size() > kTypes) return Status::Make("plan", EPROTO, "namespaces");
  // All are opened before the first is entered: the paths are the host's, and a mount namespace changes them.
  for (const JsonValue& item : list->GetArray()) {
    Joined& entry = joined[count++];
    entry.path = JsonString(item, "path", "");
    entry.flag = NamespaceFlag(JsonString(item, "type", ""));
    // host path: from config.json, before any namespace is entered
    entry.fd = UniqueFd(open(entry.path, O_RDONLY | O_CLOEXEC));
    if (!entry.fd) return Status::Errno("open", entry.path);
    if (entry.flag == 0) return Status::Make("setns", EINVAL, JsonString(item, "type", ""));
    if (entry.flag == CLONE_NEWUSER) user = &entry;
  }
  if (user == nullptr) return Enter(joined, count, false);

  // Entering takes CAP_SYS_ADMIN in the user namespace that owns the other one. Who enters a user namespace loses it in
  // all others, and gains it there: so before it those that belong to the host (a network namespace made without a user
  // namespace), after it those that only its root may enter (all of them, for a caller who is not root).
  RETURN_IF_FAILED(Enter(joined, count, true));
  if (setns(user->fd.get(), CLONE_NEWUSER) < 0) return Status::Errno("setns", user->path);
  context.in_user_namespace = true;
  RETURN_IF_FAILED(BecomeRoot(step));
  // A change of the effective user made us dumpable again, or not: fs.suid_dumpable decides.
  RETURN_IF_FAILED(HideFromContainer());
  return Enter(joined, count, false);
}

Status steps::UnshareNamespaces(Context&, const JsonValue& step) {
  int flags = 0;
  JsonForEach(step, "namespaces", [&](const JsonValue& type) { flags |= NamespaceFlag(JsonText(type)); });
  return unshare(flags) < 0 ? Status::Errno("unshare", "cgroup") : Status::Ok();
}

Status steps::WaitForIdMaps(Context& context, const JsonValue& step) {
  // /proc/PID of a process that is not dumpable belongs to the host's root: a rootless engine (and newuidmap, which
  // checks the owner) could not write the maps. Nobody but us is in the new user namespace yet.
  const bool rootless = context.started_as != 0;
  if (rootless && prctl(PR_SET_DUMPABLE, 1, 0, 0, 0) < 0) return Status::Errno("prctl", "PR_SET_DUMPABLE");
  Message done;
  RETURN_IF_FAILED(context.channel.Send(Frame::kIdMap));
  RETURN_IF_FAILED(context.channel.Receive(Frame::kIdMapDone, &done));
  context.in_user_namespace = true;
  RETURN_IF_FAILED(OpenTimeOffsets(context));
  RETURN_IF_FAILED(BecomeRoot(step));
  return HideFromContainer();
}

}  // namespace runtime_ts
