// One hook as a process: started, fed, watched, reaped.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <string_view>

#include "steps/string_array.h"

namespace runtime_ts {

struct HookProgram {
  const char* path = nullptr;
  StringArray arguments;
  StringArray environment;
  mode_t umask = 022;
  std::int64_t timeout_ms = 0;  // 0: as long as it takes
  std::string_view input;
  // What becomes its standard output and error; -1: it is captured.
  int output = -1;
  int error = -1;
};

struct HookOutcome {
  int status = 0;
  int signal = 0;
  bool timed_out = false;
  // Set when the program could not be started: the call, and its errno in `error`.
  const char* failed_call = nullptr;
  int error = 0;
  // The last 4 KiB of its standard output and error, as they came; NUL-terminated.
  char output[4096];
};

// False with errno set when there is not even a process.
bool RunHookProgram(const HookProgram& program, HookOutcome* outcome);

}  // namespace runtime_ts
