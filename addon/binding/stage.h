// The init's first stage: our child from spawnInit until it has cloned the container's first process.
//
// Who reaps what. The stage ends on its own, right after it sent kPid or kFailure; receive() picks it up without
// waiting on the next frames, and for good at end of file, when it can only be about to exit. The container's first
// process (made with CLONE_PARENT) is our child, too: supervise() or reap() take it, and when this process ends before
// (create, run --detach) the kernel gives it to the next reaper, as runc does.
#pragma once

#include <sys/types.h>

namespace runtime_ts {

void RememberStage(int channel, pid_t pid);

// Reaps the stage that was started with this channel, if it ended; `wait` until it does.
void ReapStage(int channel, bool wait);

}  // namespace runtime_ts
