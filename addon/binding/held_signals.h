// Signals that ask this process to end, held back while it has something that it must not leave behind.
#pragma once

#include <memory>

#include "binding/signal_pipe.h"

namespace runtime_ts {

// What poll(2) tells of a held signal, or -1 when none are held (which poll ignores).
int HeldSignalsFd();

// The next one that came, or 0 (also when what poll saw was another signal).
int NextHeldSignal();

// For the foreground, which has another use for them, and gives them back at its end.
std::unique_ptr<SignalPipe> TakeHeldSignals();
void GiveBackHeldSignals(std::unique_ptr<SignalPipe> signals);

}  // namespace runtime_ts
