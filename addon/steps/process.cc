// What the program runs with: process.rlimit, process.noNewPrivileges, process.user, process.cwd.
#include <fcntl.h>
#include <grp.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <climits>
#include <cstdlib>
#include <cstring>

#include "steps/steps.h"

namespace runtime_ts {
namespace {

struct Limit {
  std::string_view name;
  __rlimit_resource resource;
};

constexpr Limit kLimits[] = {
    {"RLIMIT_AS", RLIMIT_AS},           {"RLIMIT_CORE", RLIMIT_CORE},         {"RLIMIT_CPU", RLIMIT_CPU},
    {"RLIMIT_DATA", RLIMIT_DATA},       {"RLIMIT_FSIZE", RLIMIT_FSIZE},       {"RLIMIT_LOCKS", RLIMIT_LOCKS},
    {"RLIMIT_MEMLOCK", RLIMIT_MEMLOCK}, {"RLIMIT_MSGQUEUE", RLIMIT_MSGQUEUE}, {"RLIMIT_NICE", RLIMIT_NICE},
    {"RLIMIT_NOFILE", RLIMIT_NOFILE},   {"RLIMIT_NPROC", RLIMIT_NPROC},       {"RLIMIT_RSS", RLIMIT_RSS},
    {"RLIMIT_RTPRIO", RLIMIT_RTPRIO},   {"RLIMIT_RTTIME", RLIMIT_RTTIME},     {"RLIMIT_SIGPENDING", RLIMIT_SIGPENDING},
    {"RLIMIT_STACK", RLIMIT_STACK},
};

}  // namespace

Status steps::SetRlimit(Context&, const JsonValue& step) {
  const char* type = JsonString(step, "type", "");
  const rlimit limit{strtoull(JsonString(step, "soft", ""), nullptr, 10),
                     strtoull(JsonString(step, "hard", ""), nullptr, 10)};
  for (const Limit& known : kLimits) {
    if (known.name != type) continue;
    return setrlimit(known.resource, &limit) < 0 ? Status::Errno("setrlimit", type) : Status::Ok();
  }
  return Status::Make("setrlimit", EINVAL, type);
}

Status steps::SetNoNewPrivileges(Context&, const JsonValue&) {
  return prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0 ? Status::Errno("prctl", "PR_SET_NO_NEW_PRIVS") : Status::Ok();
}

Status steps::SetUser(Context& context, const JsonValue& step) {
  const auto uid = static_cast<uid_t>(JsonInteger(step, "uid"));
  const auto gid = static_cast<gid_t>(JsonInteger(step, "gid"));
  umask(static_cast<mode_t>(JsonInteger(step, "umask", context.caller_umask)));

  if (JsonBool(step, "keepCapabilities") && prctl(PR_SET_KEEPCAPS, 1, 0, 0, 0) < 0)
    return Status::Errno("prctl", "PR_SET_KEEPCAPS");
  if (JsonBool(step, "setgroups")) {
    const JsonValue* list = JsonMember(step, "additionalGids");
    const std::size_t size = list != nullptr && list->IsArray() ? list->Size() : 0;
    auto* groups = static_cast<gid_t*>(calloc(size + 1, sizeof(gid_t)));
    if (groups == nullptr) return Status::Errno("calloc", "additionalGids");
    std::size_t count = 0;
    JsonForEach(step, "additionalGids", [&](const JsonValue& group) {
      if (group.IsUint()) groups[count++] = group.GetUint();
    });
    const int result = setgroups(count, groups);
    free(groups);
    // Of a user namespace that was joined only the kernel knows whether it lets anyone call this (user_namespaces(7)).
    const bool denied = result < 0 && errno == EPERM && count == 0 && JsonBool(step, "setgroupsMayBeDenied");
    if (result < 0 && !denied) return Status::Errno("setgroups");
  }
  if (setresgid(gid, gid, gid) < 0) return Status::Errno("setresgid");
  if (setresuid(uid, uid, uid) < 0) return Status::Errno("setresuid");
  // The change of user may have made us dumpable, and the program does not run yet.
  return prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) < 0 ? Status::Errno("prctl", "PR_SET_DUMPABLE") : Status::Ok();
}

Status steps::SetCwd(Context& context, const JsonValue& step) {
  const char* path = JsonString(step, "path", "");
  // By a descriptor from the root: a path such as /proc/self/fd/7, which would lead out through a descriptor of the
  // host, is refused as a magic link (CVE-2024-21626).
  UniqueFd directory = context.rootfs.Open(path, O_DIRECTORY);
  if (!directory && errno == ENOENT && !JsonBool(step, "existing")) {
    // create makes a missing one, as with runc and crun; exec does not.
    RETURN_IF_FAILED(context.rootfs.Create(path, Rootfs::Kind::kDirectory, 0755, &directory));
  }
  if (!directory || fchdir(directory.get()) < 0) {
    // A home on NFS or FUSE may be closed to root: the plan has this step again, after process.user.
    if (JsonBool(step, "deferrable") && (errno == EACCES || errno == EPERM)) return Status::Ok();
    return Status::Errno("chdir", path);
  }
  // The second lock on the same door: the kernel says "(unreachable)" for a directory outside of the root.
  char real[PATH_MAX];
  if (getcwd(real, sizeof real) == nullptr) return Status::Errno("getcwd", path);
  return real[0] == '/'
             ? Status::Ok()
             : Status::Make("chdir", EXDEV, "current working directory is outside of container mount namespace root");
}

}  // namespace runtime_ts
