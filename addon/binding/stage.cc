#include "binding/stage.h"

#include <sys/wait.h>

#include <algorithm>
#include <vector>

#include "common/unique_fd.h"

namespace runtime_ts {
namespace {

struct Stage {
  int channel;
  pid_t pid;
};

// One in practice. JavaScript's thread is the only one that comes here.
std::vector<Stage>& Stages() {
  static std::vector<Stage> stages;
  return stages;
}

}  // namespace

void RememberStage(int channel, pid_t pid) { Stages().push_back({channel, pid}); }

void ReapStage(int channel, bool wait) {
  auto& stages = Stages();
  const auto found =
      std::find_if(stages.begin(), stages.end(), [&](const Stage& stage) { return stage.channel == channel; });
  if (found == stages.end()) return;
  const pid_t pid = found->pid;
  const pid_t reaped = RetryOnEintr([&] { return waitpid(pid, nullptr, wait ? 0 : WNOHANG); });
  if (reaped != 0) stages.erase(found);  // reaped, or (ECHILD) reaped by someone else
}

}  // namespace runtime_ts
