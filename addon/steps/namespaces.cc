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

// Root of the user namespace that we are in. Its capabilities are ours already, but files that we make must belong to
// it, and the exec of a hook must not lose them.
Status BecomeRoot() {
  // Without CAP_SETGID in the parent namespace (rootless) setgroups is denied for good, and nothing needs it.
  if (setgroups(0, nullptr) < 0 && errno != EPERM) return Status::Errno("setgroups");
  if (setresgid(0, 0, 0) < 0) return Status::Errno("setresgid", "0");
  if (setresuid(0, 0, 0) < 0) return Status::Errno("setresuid", "0");
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

Status HideFromContainer() {
  return prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) < 0 ? Status::Errno("prctl", "PR_SET_DUMPABLE") : Status::Ok();
}

Status steps::JoinNamespaces(Context& context, const JsonValue& step) {
  constexpr int kTypes = 8;
  struct {
    UniqueFd fd;
    int flag = 0;
    const char* path = nullptr;
  } joined[kTypes];
  int count = 0;

  RETURN_IF_FAILED(HideFromContainer());
  RETURN_IF_FAILED(OpenTimeOffsets(context));
  const JsonValue* list = JsonMember(step, "namespaces");
  if (list == nullptr || !list->IsArray() || list->Size() > kTypes) return Status::Make("plan", EPROTO, "namespaces");
  // All are opened before the first is entered: the paths are the host's, and a mount namespace changes them.
  for (const JsonValue& item : list->GetArray()) {
    auto& entry = joined[count++];
    entry.path = JsonString(item, "path", "");
    entry.flag = NamespaceFlag(JsonString(item, "type", ""));
    // host path: from config.json, before any namespace is entered
    entry.fd = UniqueFd(open(entry.path, O_RDONLY | O_CLOEXEC));
    if (!entry.fd) return Status::Errno("open", entry.path);
    if (entry.flag == 0) return Status::Make("setns", EINVAL, JsonString(item, "type", ""));
  }
  // The user namespace first, it gives the capabilities to enter those it owns. The mount namespace last, it takes
  // the host's files away.
  for (int pass = 0; pass < 3; pass++) {
    for (int i = 0; i < count; i++) {
      const int turn = joined[i].flag == CLONE_NEWUSER ? 0 : joined[i].flag == CLONE_NEWNS ? 2 : 1;
      if (turn != pass) continue;
      // The flag makes the kernel refuse a namespace of another type.
      if (setns(joined[i].fd.get(), joined[i].flag) < 0) return Status::Errno("setns", joined[i].path);
      if (turn == 0) {
        context.in_user_namespace = true;
        RETURN_IF_FAILED(BecomeRoot());
        // A change of the effective user made us dumpable again, or not: fs.suid_dumpable decides.
        RETURN_IF_FAILED(HideFromContainer());
      }
    }
  }
  return Status::Ok();
}

Status steps::UnshareNamespaces(Context&, const JsonValue& step) {
  int flags = 0;
  JsonForEach(step, "namespaces", [&](const JsonValue& type) { flags |= NamespaceFlag(JsonText(type)); });
  return unshare(flags) < 0 ? Status::Errno("unshare", "cgroup") : Status::Ok();
}

Status steps::WaitForIdMaps(Context& context, const JsonValue&) {
  // /proc/PID of a process that is not dumpable belongs to the host's root: a rootless engine (and newuidmap, which
  // checks the owner) could not write the maps. Nobody but us is in the new user namespace yet.
  const bool rootless = context.started_as != 0;
  if (rootless && prctl(PR_SET_DUMPABLE, 1, 0, 0, 0) < 0) return Status::Errno("prctl", "PR_SET_DUMPABLE");
  Message done;
  RETURN_IF_FAILED(context.channel.Send(Frame::kIdMap));
  RETURN_IF_FAILED(context.channel.Receive(Frame::kIdMapDone, &done));
  context.in_user_namespace = true;
  RETURN_IF_FAILED(OpenTimeOffsets(context));
  RETURN_IF_FAILED(BecomeRoot());
  return HideFromContainer();
}

}  // namespace runtime_ts
