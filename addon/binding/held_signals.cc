// Verbs that hold signals back, and let them go.
//
// Between the claim of an id and the foreground's loop, a SIGTERM must not end this process with a container half made:
// whoever waits here (for the init, for a hook) is woken by it, and takes back what there is. A hook that hangs would
// otherwise make the command deaf to Ctrl-C as well.
#include "binding/held_signals.h"

#include <unistd.h>

#include "binding/verb.h"
#include "binding/verbs.h"

namespace runtime_ts {
namespace {

// JavaScript's thread is the only one that comes here.
std::unique_ptr<SignalPipe>& Held() {
  static std::unique_ptr<SignalPipe> held;
  return held;
}

}  // namespace

int HeldSignalsFd() { return Held() ? Held()->fd() : -1; }

int NextHeldSignal() {
  if (!Held()) return 0;
  for (;;) {
    const int signal = Held()->Read();
    if (signal == 0 || SignalPipe::AsksForEnd(signal)) return signal;
    // For the foreground; after it, it is too late for them.
    Held()->Defer(signal);
  }
}

std::unique_ptr<SignalPipe> TakeHeldSignals() {
  if (!Held()) return std::make_unique<SignalPipe>();
  return std::move(Held());
}

void GiveBackHeldSignals(std::unique_ptr<SignalPipe> signals) { Held() = std::move(signals); }

Napi::Value HoldSignals(const Napi::CallbackInfo& info) {
  if (Held()) return info.Env().Undefined();
  auto signals = std::make_unique<SignalPipe>();
  const bool all = info.Length() > 0 && Options(info).Flag("all");
  if (const Failure failure = all ? signals->Open(false) : signals->OpenForEnd()) return Throw(info.Env(), failure);
  Held() = std::move(signals);
  return info.Env().Undefined();
}

// One that came meanwhile takes its effect now.
Napi::Value ReleaseSignals(const Napi::CallbackInfo& info) {
  const int signal = NextHeldSignal();
  Held().reset();
  if (signal != 0) kill(getpid(), signal);
  return info.Env().Undefined();
}

}  // namespace runtime_ts
