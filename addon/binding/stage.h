// The init's first stage: our child from startInit until it has cloned the container's first process.
//
// Who reaps what. The stage ends on its own, right after it sent kPid or kFailure; receive() picks it up without
// waiting on the next frames, and for good at end of file, when it can only be about to exit. The container's first
// process (made with CLONE_PARENT) is our child, too: supervise() or reap() take it, and when this process ends before
// (create, run --detach) the kernel gives it to the next reaper, as runc does.
#pragma once

#include <sys/types.h>

#include "binding/failure.h"

namespace runtime_ts {

// Starts the init at the other end of `channel` in a thread of its own: making and executing the image takes a third of
// a millisecond, which the engine has better uses for. Takes over `init_end`.
Failure LaunchStage(int channel, int init_end, int preserve);

// Waits until the thread is done, and says what became of it. Fine to repeat.
Failure AwaitStage(int channel);

// Its process; -1 before AwaitStage has said that there is one.
pid_t StagePid(int channel);

// Reaps the stage that was started with this channel, if it ended; `wait` until it does.
void ReapStage(int channel, bool wait);

}  // namespace runtime_ts
