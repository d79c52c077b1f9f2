// Every verb of src/native/api.ts, by the file that holds it. The contract of each is written there.
#pragma once

#include <napi.h>

namespace runtime_ts {

using Verb = Napi::Value(const Napi::CallbackInfo& info);

// this_process.cc
Verb Exit, Print, Environment, Identity, SetSubreaper, CheckPreservedFds;
// caller_limit.cc
Verb RestoreOpenFilesLimit;
// files.cc
Verb ReadText, ReadInput, ReplaceFile, AppendText, WriteControl, RemoveFile, Stat, RealPath, Close;
// directories.cc
Verb MakeDirectory, RemoveDirectory, RemoveTree, ListDirectory, LockDirectory;
// cgroup_tree.cc
Verb CgroupProcesses, RemoveCgroupTree;

// processes.cc
Verb ProcessStat, OpenPid, SignalPid, WaitPid, Reap;
// events.cc
Verb WatchFiles, WatchOutOfMemory, WaitEvents;
// hooks.cc
Verb RunHook;
// host_steps.cc
Verb ExecuteHostSteps;
// start_init.cc
Verb StartInit, InitPid, SendPlan, EndInit;
// channel.cc
Verb Receive, Send, SendCgroups, SendSeccomp, SendListener, Connect;
// criu.cc
Verb StartCriu, SendCriu, ReceiveCriu;
// descriptors.cc
Verb OpenFile, SetGroup, ReadLink, ResolveInRoot;
// mounts.cc
Verb BindMount, Unmount;
// systemd.cc
Verb SystemdManagerFacts;
// map_mount.cc
Verb MapMount;
// send_source.cc
Verb SendSource;
// seccomp.cc
Verb CompileSeccomp;
// seccomp_listener.cc
Verb SendSeccompListener;
// terminal.cc
Verb FitTerminal, SendTerminal;
// send_datagram.cc
Verb SendDatagram;
// notify.cc
Verb BindNotify, ForwardNotify;
// held_signals.cc
Verb HoldSignals, ReleaseSignals;
// supervise.cc
Verb Supervise;

}  // namespace runtime_ts
