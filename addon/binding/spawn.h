// Starting a program from this process, which is multi-threaded, large, and has signal handlers, limits and
// descriptors of its own that the program must not see.
#pragma once

#include <sys/types.h>

#include "binding/failure.h"
#include "common/unique_fd.h"

namespace runtime_ts {

struct SpawnRequest {
  const char* path = nullptr;  // for execve; or
  int image = -1;              // a descriptor for execveat, when path is null
  char* const* argv = nullptr;
  char* const* envp = nullptr;

  int standard[3] = {-1, -1, -1};  // what becomes 0, 1, 2; -1: as in this process
  int preserve = 0;                // descriptors 3 to 2 + preserve stay open as they are
  int extra = -1;                  // what becomes 3 + preserve; -1: nothing
  const int* more = nullptr;       // what becomes the numbers behind that
  int more_count = 0;
  bool session = false;  // its own session and process group
  const char* directory = nullptr;
};

struct Spawned {
  pid_t pid = -1;
  UniqueFd pidfd;
};

// Returns when the program runs (or a call before it failed, its own child reaped). Standard signal dispositions and
// an empty signal mask; every descriptor that the request does not name is closed.
Failure Spawn(const SpawnRequest& request, Spawned* spawned);

}  // namespace runtime_ts
