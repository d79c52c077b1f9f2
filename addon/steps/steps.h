// The steps of a plan (`initStep` in src/plan/schema-init.ts), one function each. A step trusts the plan's shape, which
// the compiler's types and tests guarantee, and nothing that it finds in the container.
#pragma once

#include "common/json.h"
#include "init/context.h"
#include "init/failure.h"

namespace runtime_ts {

using StepFunction = Status (*)(Context& context, const JsonValue& step);

// The function for an `op`, nullptr when there is none of that name.
StepFunction FindStep(std::string_view op);

namespace steps {

// namespaces.cc, clone.cc
Status JoinNamespaces(Context& context, const JsonValue& step);
Status UnshareNamespaces(Context& context, const JsonValue& step);
Status Clone(Context& context, const JsonValue& step);
Status WaitForIdMaps(Context& context, const JsonValue& step);

// join.cc
Status JoinContainer(Context& context, const JsonValue& step);
Status EnterContainer(Context& context, const JsonValue& step);

// net_devices.cc
Status WaitForNetDevices(Context& context, const JsonValue& step);

// time_namespace.cc
Status CreateTimeNamespace(Context& context, const JsonValue& step);

// kernel.cc
Status JoinKeyring(Context& context, const JsonValue& step);
Status SetUpNetworkDevice(Context& context, const JsonValue& step);
Status JoinCgroups(Context& context, const JsonValue& step);
Status SetHostname(Context& context, const JsonValue& step);
Status SetDomainname(Context& context, const JsonValue& step);

// proc.cc
Status SetOomScoreAdj(Context& context, const JsonValue& step);
Status WriteSysctl(Context& context, const JsonValue& step);
Status SetAttribute(Context& context, const JsonValue& step);

// root.cc
Status OpenRoot(Context& context, const JsonValue& step);
Status EnterRoot(Context& context, const JsonValue& step);

// filesystem.cc, bind.cc, remount.cc
Status MountFilesystem(Context& context, const JsonValue& step);
Status MountBind(Context& context, const JsonValue& step);
Status Remount(Context& context, const JsonValue& step);
Status SetPropagation(Context& context, const JsonValue& step);

// nodes.cc
Status CreateDirectory(Context& context, const JsonValue& step);
Status CreateSymlink(Context& context, const JsonValue& step);
Status CreateDevice(Context& context, const JsonValue& step);
Status BindDevice(Context& context, const JsonValue& step);

// paths.cc
Status MakePathReadonly(Context& context, const JsonValue& step);
Status MaskPath(Context& context, const JsonValue& step);

// console.cc
Status CreateConsole(Context& context, const JsonValue& step);

// hooks.cc
Status OpenHookOutput(Context& context, const JsonValue& step);
Status SyncHooks(Context& context, const JsonValue& step);
Status RunHook(Context& context, const JsonValue& step);

// process.cc
Status SetRlimit(Context& context, const JsonValue& step);
Status SetNoNewPrivileges(Context& context, const JsonValue& step);
Status SetUser(Context& context, const JsonValue& step);
Status SetCwd(Context& context, const JsonValue& step);

// scheduling.cc
Status SetScheduler(Context& context, const JsonValue& step);
Status SetIoPriority(Context& context, const JsonValue& step);
Status SetAffinity(Context& context, const JsonValue& step);
Status SetMemoryPolicy(Context& context, const JsonValue& step);
Status SetPersonality(Context& context, const JsonValue& step);

// home.cc
Status FindHomeDirectory(Context& context, const JsonValue& step);

// seccomp.cc
Status LoadSeccomp(Context& context, const JsonValue& step);

// capabilities.cc
Status BoundCapabilities(Context& context, const JsonValue& step);
Status ApplyCapabilities(Context& context, const JsonValue& step);

// start.cc, exec.cc
Status LookUpProgram(Context& context, const JsonValue& step);
Status WaitForStart(Context& context, const JsonValue& step);
Status Exec(Context& context, const JsonValue& step);
// Makes what Exec needs, so that nothing but execve(2) is left to do.
Status PrepareExec(Context& context, const JsonValue& step);

}  // namespace steps
}  // namespace runtime_ts
