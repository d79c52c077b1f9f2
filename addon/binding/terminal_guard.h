#pragma once

#include <termios.h>

namespace runtime_ts {

// From now on a crash of this process (a fault, abort(3)) puts `settings` back on standard input before it takes its
// course; a shell on a raw terminal is of little use. Until DisarmTerminalGuard. One at a time.
void ArmTerminalGuard(const termios& settings);
void DisarmTerminalGuard();

}  // namespace runtime_ts
