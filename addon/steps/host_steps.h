// The steps of a plan that the engine runs itself, in the host's namespaces (src/plan/schema.ts, hostStep).
#pragma once

#include <sys/types.h>

#include "binding/failure.h"
#include "common/json.h"

namespace runtime_ts {

struct HostStepFailure {
  int step = -1;
  Failure failure;
};

// In order, up to the first failure. `pid`: the container's first process, for the steps that are about it.
HostStepFailure RunHostSteps(const JsonValue& steps, pid_t pid);

// host_systemd.cc
Failure StartUnit(const JsonValue& step, pid_t pid);
Failure SetUnitProperties(const JsonValue& step);
Failure StopUnit(const JsonValue& step);
// host_cgroup.cc
Failure CreateCgroup(const JsonValue& step);
// Takes back the parents that CreateCgroup had to make, where nobody else has come to use them. For the engine whose
// create fails: who made a directory is not kept anywhere else.
Failure RemoveCgroupParents();
Failure WriteCgroup(const JsonValue& step);
Failure CheckCgroup(const JsonValue& step);
Failure InheritCgroup(const JsonValue& step);
Failure DelegateCgroup(const JsonValue& step);
// host_cgroup_devices.cc
Failure AttachDeviceProgram(const JsonValue& step);
// host_idmap.cc
Failure WriteIdMaps(const JsonValue& step, pid_t pid);
// host_net_device.cc
Failure MoveNetDevice(const JsonValue& step, pid_t pid);
// Back to where they were, all that were moved since the last of these two. They are only for the engine that moved
// the devices: the state of a device is not kept anywhere else.
Failure ReturnNetDevices();
Failure KeepNetDevices();
// host_resctrl.cc
Failure CreateResctrlGroup(const JsonValue& step);
Failure WriteSchemata(const JsonValue& step);
Failure JoinResctrlGroup(const JsonValue& step, pid_t pid);

}  // namespace runtime_ts
