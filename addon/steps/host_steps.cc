#include "steps/host_steps.h"

#include <string_view>

#include "common/priorities.h"

namespace runtime_ts {
namespace {

Failure SetPriority(const char* failed, const char* detail) {
  return failed == nullptr ? Failure{} : Failed(failed, detail);
}

Failure RunHostStep(const JsonValue& step, pid_t pid) {
  const std::string_view op = JsonString(step, "op", "");
  if (op == "systemd.start") return StartUnit(step, pid);
  if (op == "systemd.set") return SetUnitProperties(step);
  if (op == "systemd.stop") return StopUnit(step);
  if (op == "cgroup.create") return CreateCgroup(step);
  if (op == "cgroup.removeParents") return RemoveCgroupParents();
  if (op == "cgroup.write") return WriteCgroup(step);
  if (op == "cgroup.check") return CheckCgroup(step);
  if (op == "cgroup.inherit") return InheritCgroup(step);
  if (op == "cgroup.devices") return AttachDeviceProgram(step);
  if (op == "cgroup.delegate") return DelegateCgroup(step);
  if (op == "idmap.write") return WriteIdMaps(step, pid);
  if (op == "netDevice.move") return MoveNetDevice(step, pid);
  if (op == "netDevices.return") return ReturnNetDevices();
  if (op == "netDevices.keep") return KeepNetDevices();
  if (op == "resctrl.create") return CreateResctrlGroup(step);
  if (op == "resctrl.schemata") return WriteSchemata(step);
  if (op == "resctrl.join") return JoinResctrlGroup(step, pid);
  if (op == "process.scheduler") return SetPriority(ApplyScheduler(step, pid), JsonString(step, "policy", ""));
  if (op == "process.ioPriority") return SetPriority(ApplyIoPriority(step, pid), JsonString(step, "class", ""));
  return {"host step", ENOSYS, std::string(op)};
}

}  // namespace

HostStepFailure RunHostSteps(const JsonValue& steps, pid_t pid) {
  for (rapidjson::SizeType i = 0; i < steps.Size(); i++) {
    if (Failure failure = RunHostStep(steps[i], pid)) return {static_cast<int>(i), std::move(failure)};
  }
  return {};
}

}  // namespace runtime_ts
