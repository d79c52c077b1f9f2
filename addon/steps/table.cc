#include <algorithm>
#include <iterator>

#include "steps/steps.h"

namespace runtime_ts {
namespace {

struct Row {
  std::string_view op;
  StepFunction run;
};

// In the order of the names, for the search.
constexpr Row kTable[] = {
    {"capabilities.apply", steps::ApplyCapabilities},
    {"capabilities.bound", steps::BoundCapabilities},
    {"cgroup.join", steps::JoinCgroups},
    {"clone", steps::Clone},
    {"console.create", steps::CreateConsole},
    {"container.enter", steps::EnterContainer},
    {"container.join", steps::JoinContainer},
    {"device.bind", steps::BindDevice},
    {"device.create", steps::CreateDevice},
    {"directory.create", steps::CreateDirectory},
    {"exec", steps::Exec},
    {"hook.run", steps::RunHook},
    {"hooks.output", steps::OpenHookOutput},
    {"hooks.sync", steps::SyncHooks},
    {"idmap.wait", steps::WaitForIdMaps},
    {"keyring.join", steps::JoinKeyring},
    {"mount.bind", steps::MountBind},
    {"mount.filesystem", steps::MountFilesystem},
    {"mount.propagation", steps::SetPropagation},
    {"mount.remount", steps::Remount},
    {"namespace.join", steps::JoinNamespaces},
    {"namespace.unshare", steps::UnshareNamespaces},
    {"netDevices.wait", steps::WaitForNetDevices},
    {"network.up", steps::SetUpNetworkDevice},
    {"path.mask", steps::MaskPath},
    {"path.readonly", steps::MakePathReadonly},
    {"process.affinity", steps::SetAffinity},
    {"process.attribute", steps::SetAttribute},
    {"process.cwd", steps::SetCwd},
    {"process.home", steps::FindHomeDirectory},
    {"process.ioPriority", steps::SetIoPriority},
    {"process.lookup", steps::LookUpProgram},
    {"process.memoryPolicy", steps::SetMemoryPolicy},
    {"process.noNewPrivileges", steps::SetNoNewPrivileges},
    {"process.oomScoreAdj", steps::SetOomScoreAdj},
    {"process.personality", steps::SetPersonality},
    {"process.rlimit", steps::SetRlimit},
    {"process.scheduler", steps::SetScheduler},
    {"process.user", steps::SetUser},
    {"root.enter", steps::EnterRoot},
    {"root.open", steps::OpenRoot},
    {"seccomp.load", steps::LoadSeccomp},
    {"start.wait", steps::WaitForStart},
    {"symlink.create", steps::CreateSymlink},
    {"sysctl.write", steps::WriteSysctl},
    {"time.create", steps::CreateTimeNamespace},
    {"uts.domainname", steps::SetDomainname},
    {"uts.hostname", steps::SetHostname},
};
static_assert(std::is_sorted(std::begin(kTable), std::end(kTable),
                             [](const Row& a, const Row& b) { return a.op < b.op; }));

}  // namespace

StepFunction FindStep(std::string_view op) {
  const Row* found = std::lower_bound(std::begin(kTable), std::end(kTable), op,
                                      [](const Row& entry, std::string_view name) { return entry.op < name; });
  return found != std::end(kTable) && found->op == op ? found->run : nullptr;
}

}  // namespace runtime_ts
