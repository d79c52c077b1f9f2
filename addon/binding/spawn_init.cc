// The verb that starts the init and gives it the plan.
#include <signal.h>
#include <sys/socket.h>
#include <sys/wait.h>

#include <string>

#include "binding/init_image.h"
#include "binding/spawn.h"
#include "binding/stage.h"
#include "binding/verb.h"
#include "binding/verbs.h"
#include "common/frame.h"

namespace runtime_ts {
namespace {

Failure SpawnImage(ImageKind kind, int channel, int preserve, Spawned* stage) {
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
  return Spawn(request, stage);
}

// An unwilling kernel says no with EACCES at memfd_create (vm.memfd_noexec) or at exec (SELinux, IPE).
Failure SpawnStage(int channel, int preserve, Spawned* stage) {
  Failure refused = SpawnImage(ImageKind::kMemory, channel, preserve, stage);
  if (refused.number != EACCES && refused.number != EPERM) return refused;
  if (!SpawnImage(ImageKind::kFile, channel, preserve, stage)) return {};
  refused.detail = "no way to run the init: neither from a memfd " + refused.detail +
                   " nor from an unnamed file in /var/lib, /var/cache, /usr/lib or /tmp";
  return refused;
}

}  // namespace

Napi::Value SpawnInit(const Napi::CallbackInfo& info) {
  const Napi::Env env = info.Env();
  const Options options(info);
  int ends[2];
  if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) == -1) return Throw(env, Failed("socketpair"));
  UniqueFd ours(ends[0]);
  UniqueFd theirs(ends[1]);

  Spawned stage;
  if (const Failure failure = SpawnStage(theirs.get(), options.Integer("preserveFds", 0), &stage)) {
    return Throw(env, failure);
  }
  theirs.reset();
  if (!WriteFrame(ours.get(), Frame::kPlan, options.Text("plan"))) {
    const Failure failure = Failed("sendmsg", "plan to the init");
    kill(stage.pid, SIGKILL);
    RetryOnEintr([&] { return waitpid(stage.pid, nullptr, 0); });
    return Throw(env, failure);
  }

  auto result = Napi::Object::New(env);
  RememberStage(ours.get(), stage.pid);
  result.Set("stagePid", Napi::Number::New(env, stage.pid));
  result.Set("channel", Napi::Number::New(env, ours.release()));
  return result;
}

}  // namespace runtime_ts
