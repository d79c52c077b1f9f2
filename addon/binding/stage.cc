#include "binding/stage.h"

#include <pthread.h>
#include <sys/wait.h>

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "binding/init_image.h"
#include "binding/spawn.h"
#include "common/unique_fd.h"

namespace runtime_ts {
namespace {

struct Stage {
  int channel = -1;
  UniqueFd init_end;
  int preserve = 0;

  pthread_t thread{};
  bool launching = false;
  // Written by the thread.
  Spawned spawned;
  Failure failure;
};

// One in practice. JavaScript's thread is the only one that comes here.
std::vector<std::unique_ptr<Stage>>& Stages() {
  static std::vector<std::unique_ptr<Stage>> stages;
  return stages;
}

Stage* FindStage(int channel) {
  for (const auto& stage : Stages()) {
    if (stage->channel == channel) return stage.get();
  }
  return nullptr;
}

void ForgetStage(const Stage* stage) {
  std::erase_if(Stages(), [&](const auto& other) { return other.get() == stage; });
}

Failure SpawnImage(ImageKind kind, int channel, int preserve, Spawned* spawned) {
  UniqueFd image;
  if (Failure failure = OpenInitImage(kind, &image)) return failure;
  std::string name = "runtime-ts-init";
  std::string number = std::to_string(3 + preserve);
  char* const argv[] = {name.data(), number.data(), nullptr};
  char* const envp[] = {nullptr};

  SpawnRequest request;
  request.image = image.get();
  request.argv = argv;
  request.envp = envp;
  request.preserve = preserve;
  request.extra = channel;
  return Spawn(request, spawned);
}

// An unwilling kernel says no with EACCES at memfd_create (vm.memfd_noexec) or at exec (SELinux, IPE).
Failure SpawnStage(int channel, int preserve, Spawned* spawned) {
  Failure refused = SpawnImage(ImageKind::kMemory, channel, preserve, spawned);
  if (refused.number != EACCES && refused.number != EPERM) return refused;
  if (!SpawnImage(ImageKind::kFile, channel, preserve, spawned)) return {};
  refused.detail = "no way to run the init: neither from a memfd " + refused.detail +
                   " nor from an unnamed file in /var/lib, /var/cache, /usr/lib or /tmp";
  return refused;
}

void* RunLaunch(void* argument) {
  auto* stage = static_cast<Stage*>(argument);
  stage->failure = SpawnStage(stage->init_end.get(), stage->preserve, &stage->spawned);
  // Nobody but the init has it from here on, so that its end is seen.
  stage->init_end.reset();
  return nullptr;
}

}  // namespace

Failure LaunchStage(int channel, int init_end, int preserve) {
  auto stage = std::make_unique<Stage>();
  stage->channel = channel;
  stage->init_end.reset(init_end);
  stage->preserve = preserve;
  const int failed = pthread_create(&stage->thread, nullptr, RunLaunch, stage.get());
  if (failed != 0) return {"pthread_create", failed, {}};
  stage->launching = true;
  Stages().push_back(std::move(stage));
  return {};
}

Failure AwaitStage(int channel) {
  Stage* stage = FindStage(channel);
  if (stage == nullptr || !stage->launching) return {};
  pthread_join(stage->thread, nullptr);
  stage->launching = false;
  Failure failure = std::move(stage->failure);
  if (failure) ForgetStage(stage);
  return failure;
}

pid_t StagePid(int channel) {
  const Stage* stage = FindStage(channel);
  return stage == nullptr ? -1 : stage->spawned.pid;
}

void ReapStage(int channel, bool wait) {
  const Stage* stage = FindStage(channel);
  if (stage == nullptr || stage->launching) return;
  const pid_t pid = stage->spawned.pid;
  const pid_t reaped = RetryOnEintr([&] { return waitpid(pid, nullptr, wait ? 0 : WNOHANG); });
  if (reaped != 0) ForgetStage(stage);  // reaped, or (ECHILD) reaped by someone else
}

}  // namespace runtime_ts
