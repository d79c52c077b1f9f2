// The addon as JavaScript sees it: the names of src/native/api.ts and the functions behind them.
#include <napi.h>

#include "binding/build_id.h"
#include "binding/seccomp_compiler.h"
#include "binding/verbs.h"

namespace runtime_ts {
namespace {

template <Verb verb>
void Register(Napi::Env env, Napi::Object exports, const char* name) {
  exports.Set(name, Napi::Function::New<verb>(env, name));
}

}  // namespace

Napi::Object Load(Napi::Env env, Napi::Object exports) {
  exports.Set("buildId", Napi::String::New(env, BuildId()));
  exports.Set("libseccompVersion", Napi::String::New(env, LibseccompVersion()));

  Register<Exit>(env, exports, "exit");
  Register<Print>(env, exports, "print");
  Register<Environment>(env, exports, "environment");
  Register<Identity>(env, exports, "identity");
  Register<RestoreOpenFilesLimit>(env, exports, "restoreOpenFilesLimit");
  Register<SetSubreaper>(env, exports, "setSubreaper");
  Register<CheckPreservedFds>(env, exports, "checkPreservedFds");

  Register<ReadText>(env, exports, "readText");
  Register<ReadInput>(env, exports, "readInput");
  Register<ReplaceFile>(env, exports, "replaceFile");
  Register<AppendText>(env, exports, "appendText");
  Register<WriteControl>(env, exports, "writeControl");
  Register<RemoveFile>(env, exports, "removeFile");
  Register<Stat>(env, exports, "stat");
  Register<RealPath>(env, exports, "realPath");
  Register<Close>(env, exports, "close");

  Register<MakeDirectory>(env, exports, "makeDirectory");
  Register<RemoveDirectory>(env, exports, "removeDirectory");
  Register<RemoveTree>(env, exports, "removeTree");
  Register<ListDirectory>(env, exports, "listDirectory");
  Register<LockDirectory>(env, exports, "lockDirectory");

  Register<CgroupProcesses>(env, exports, "cgroupProcesses");
  Register<RemoveCgroupTree>(env, exports, "removeCgroupTree");
  Register<ProcessStat>(env, exports, "processStat");
  Register<OpenPid>(env, exports, "openPid");
  Register<SignalPid>(env, exports, "signalPid");
  Register<WaitPid>(env, exports, "waitPid");
  Register<Reap>(env, exports, "reap");
  Register<WatchFiles>(env, exports, "watchFiles");
  Register<WatchOutOfMemory>(env, exports, "watchOutOfMemory");
  Register<WaitEvents>(env, exports, "waitEvents");
  Register<RunHook>(env, exports, "runHook");

  Register<ExecuteHostSteps>(env, exports, "executeHostSteps");
  Register<StartInit>(env, exports, "startInit");
  Register<InitPid>(env, exports, "initPid");
  Register<SystemdManagerFacts>(env, exports, "systemdManager");
  Register<SendPlan>(env, exports, "sendPlan");
  Register<EndInit>(env, exports, "endInit");
  Register<Receive>(env, exports, "receive");
  Register<Send>(env, exports, "send");
  Register<SendCgroups>(env, exports, "sendCgroups");
  Register<SendSeccomp>(env, exports, "sendSeccomp");
  Register<SendListener>(env, exports, "sendListener");
  Register<Connect>(env, exports, "connect");
  Register<StartCriu>(env, exports, "startCriu");
  Register<SendCriu>(env, exports, "sendCriu");
  Register<ReceiveCriu>(env, exports, "receiveCriu");
  Register<OpenFile>(env, exports, "openFile");
  Register<SetGroup>(env, exports, "setGroup");
  Register<ReadLink>(env, exports, "readLink");
  Register<ResolveInRoot>(env, exports, "resolveInRoot");
  Register<BindMount>(env, exports, "bindMount");
  Register<Unmount>(env, exports, "unmount");
  Register<MapMount>(env, exports, "mapMount");
  Register<SendSource>(env, exports, "sendSource");
  Register<CompileSeccomp>(env, exports, "compileSeccomp");
  Register<SendSeccompListener>(env, exports, "sendSeccompListener");

  Register<SendTerminal>(env, exports, "sendTerminal");
  Register<FitTerminal>(env, exports, "fitTerminal");
  Register<SendDatagram>(env, exports, "sendDatagram");
  Register<BindNotify>(env, exports, "bindNotify");
  Register<ForwardNotify>(env, exports, "forwardNotify");
  Register<HoldSignals>(env, exports, "holdSignals");
  Register<ReleaseSignals>(env, exports, "releaseSignals");
  Register<Supervise>(env, exports, "supervise");
  return exports;
}

}  // namespace runtime_ts

using runtime_ts::Load;
NODE_API_MODULE(runtime_ts, Load)
