// Verbs for the conversation with the init: frames of addon/protocol.h.
#include <fcntl.h>
#include <sys/socket.h>

#include <cstdlib>
#include <vector>

#include "binding/held_signals.h"
#include "binding/stage.h"
#include "binding/unix_socket.h"
#include "binding/verb.h"
#include "binding/verbs.h"
#include "binding/wait.h"
#include "common/errno_text.h"
#include "common/frame.h"
#include "common/json.h"

namespace runtime_ts {
namespace {

Failure Malformed(const char* frame) {
  return {"recvmsg", EPROTO, std::string("malformed ") + frame + " from the init"};
}

Failure PidMessage(Napi::Env env, Message* message, Napi::Object* result) {
  const int pid = std::atoi(message->payload.data());
  if (pid <= 0 || message->fd_count != 1) return Malformed("pid");
  result->Set("type", "pid");
  result->Set("pid", Napi::Number::New(env, pid));
  result->Set("pidfd", Napi::Number::New(env, message->fds[0].release()));
  return {};
}

Failure TerminalMessage(Napi::Env env, Message* message, Napi::Object* result) {
  if (message->fd_count != 1) return Malformed("terminal");
  result->Set("type", "terminal");
  result->Set("name", Napi::String::New(env, message->payload.data(), message->payload.size()));
  result->Set("fd", Napi::Number::New(env, message->fds[0].release()));
  return {};
}

Failure MountMessage(Napi::Env env, Message* message, Napi::Object* result) {
  if (message->fd_count != 1) return Malformed("mount");
  result->Set("type", "mount");
  result->Set("step", Napi::Number::New(env, std::atoi(message->payload.data())));
  result->Set("fd", Napi::Number::New(env, message->fds[0].release()));
  return {};
}

Failure SourceMessage(Napi::Env env, Message* message, Napi::Object* result) {
  result->Set("type", "source");
  result->Set("step", Napi::Number::New(env, std::atoi(message->payload.data())));
  return {};
}

Failure FailureMessage(Napi::Env env, Message* message, Napi::Object* result) {
  JsonDocument record;
  if (!ParseJson(&message->payload, &record) || !record.IsObject()) return Malformed("failure");
  const char* syscall = JsonString(record, "syscall");
  const auto number = static_cast<int>(JsonInteger(record, "errno"));
  if (syscall == nullptr) return Malformed("failure");
  result->Set("type", "failure");
  result->Set("step", Napi::Number::New(env, static_cast<double>(JsonInteger(record, "step", -1))));
  result->Set("syscall", Napi::String::New(env, syscall));
  result->Set("errno", Napi::Number::New(env, number));
  result->Set("code", Napi::String::New(env, ErrnoName(number)));
  if (const char* detail = JsonString(record, "detail")) result->Set("detail", Napi::String::New(env, detail));
  return {};
}

Failure TraceMessage(Napi::Env env, Message* message, Napi::Object* result) {
  JsonDocument times;
  if (!ParseJson(&message->payload, &times) || !times.IsArray()) return Malformed("trace");
  auto microseconds = Napi::Array::New(env, times.Size());
  for (rapidjson::SizeType i = 0; i < times.Size(); i++) {
    if (!times[i].IsNumber()) return Malformed("trace");
    microseconds.Set(i, Napi::Number::New(env, times[i].GetDouble()));
  }
  result->Set("type", "trace");
  result->Set("microseconds", microseconds);
  return {};
}

Failure ListenerMessage(Napi::Env env, Message* message, Napi::Object* result) {
  char* end = nullptr;
  const long number = std::strtol(message->payload.data(), &end, 10);
  if (message->payload.size() == 0 || *end != '\0' || number < 0) return Malformed("seccomp listener");
  result->Set("type", "listener");
  result->Set("remoteFd", Napi::Number::New(env, static_cast<double>(number)));
  return {};
}

Failure Translate(Napi::Env env, Message* message, Napi::Object* result) {
  switch (message->kind) {
    case Frame::kPid:
      return PidMessage(env, message, result);
    case Frame::kTerminal:
      return TerminalMessage(env, message, result);
    case Frame::kMapMount:
      return MountMessage(env, message, result);
    case Frame::kOpenSource:
      return SourceMessage(env, message, result);
    case Frame::kFailure:
      return FailureMessage(env, message, result);
    case Frame::kTrace:
      return TraceMessage(env, message, result);
    case Frame::kSeccompListener:
      return ListenerMessage(env, message, result);
    case Frame::kSeccompPause:
      result->Set("type", "filtered");
      return {};
    case Frame::kIdMap:
      result->Set("type", "idmap");
      return {};
    case Frame::kHooks:
      result->Set("type", "hooks");
      return {};
    case Frame::kNetDevices:
      result->Set("type", "netDevices");
      return {};
    case Frame::kReady:
      result->Set("type", "ready");
      return {};
    default:
      return Malformed("kind of frame");
  }
}

enum class Wait { kChannel, kDied, kSignal, kFailed };

// The channel goes before the pidfd: a process that reports why it fails and exits makes both ready. It also goes
// before a signal that asks this process to end: with the frame that says that the program runs, the signal is the
// program's.
Wait WaitForFrame(int channel, int pidfd, int timeout_ms, int* signal) {
  const Deadline deadline = Deadline::After(timeout_ms);
  for (;;) {
    pollfd fds[3] = {{channel, POLLIN, 0}, {pidfd, POLLIN, 0}, {HeldSignalsFd(), POLLIN, 0}};
    const int ready = PollUntil(fds, 3, deadline);
    if (ready == 0) errno = ETIMEDOUT;
    if (ready <= 0) return Wait::kFailed;
    if (fds[0].revents != 0) return Wait::kChannel;
    if (fds[2].revents != 0 && (*signal = NextHeldSignal()) != 0) return Wait::kSignal;
    if (fds[1].revents == 0) continue;
    // It may have written between the kernel's look at the channel and its look at the pidfd.
    return poll(fds, 1, 0) > 0 ? Wait::kChannel : Wait::kDied;
  }
}

Napi::Value SendFrame(Napi::Env env, int channel, Frame kind, const char* what, std::string_view payload = {},
                      const int* fds = nullptr, int fd_count = 0) {
  if (WriteFrame(channel, kind, payload, fds, fd_count)) return env.Undefined();
  return Throw(env, Failed("sendmsg", std::string(what) + " to the init"));
}

}  // namespace

Napi::Value Receive(const Napi::CallbackInfo& info) {
  const Napi::Env env = info.Env();
  const Options options(info);
  const int channel = options.Integer("channel");
  auto result = Napi::Object::New(env);
  int signal = 0;
  switch (WaitForFrame(channel, options.Integer("pidfd", -1), options.Integer("timeoutMs", -1), &signal)) {
    case Wait::kFailed:
      return Throw(env, Failed("poll", "init"));
    case Wait::kDied:
      ReapStage(channel, false);
      result.Set("type", "died");
      return result;
    case Wait::kSignal:
      result.Set("type", "interrupted");
      result.Set("signal", Napi::Number::New(env, signal));
      return result;
    case Wait::kChannel:
      break;
  }

  Message message;
  const ReadResult got = ReadFrame(channel, &message);
  // A reset is how an end of file looks when the other side left bytes of ours unread.
  const bool closed = got == ReadResult::kClosed || (got == ReadResult::kFailed && errno == ECONNRESET);
  if (got == ReadResult::kFailed && !closed) return Throw(env, Failed("recvmsg", "init"));
  ReapStage(channel, closed);
  if (closed) {
    result.Set("type", "closed");
    return result;
  }
  if (const Failure failure = Translate(env, &message, &result)) return Throw(env, failure);
  return result;
}

Napi::Value Send(const Napi::CallbackInfo& info) {
  const Options options(info);
  const std::string type = options.Text("type");
  Frame kind{};
  if (type == "idmap") {
    kind = Frame::kIdMapDone;
  } else if (type == "hooks") {
    kind = Frame::kHooksDone;
  } else if (type == "mount") {
    kind = Frame::kMapMountDone;
  } else if (type == "netDevices") {
    kind = Frame::kNetDevicesDone;
  } else if (type == "start") {
    kind = Frame::kStart;
  } else {
    return Throw(info.Env(), {"sendmsg", EINVAL, type});
  }
  return SendFrame(info.Env(), options.Integer("channel"), kind, type.c_str());
}

Napi::Value SendCgroups(const Napi::CallbackInfo& info) {
  const Options options(info);
  const std::vector<std::string> directories = options.Texts("directories");
  if (directories.size() > kMaxFds) return Throw(info.Env(), {"sendmsg", EMSGSIZE, "cgroups"});
  UniqueFd tasks[kMaxFds];
  int fds[kMaxFds];
  int count = 0;
  std::string names;
  for (const std::string& directory : directories) {
    std::string path = directory + "/tasks";
    tasks[count].reset(open(path.c_str(), O_WRONLY | O_CLOEXEC));
    if (!tasks[count] && errno == ENOENT) {
      // v2. Who writes is judged by who has opened it (since Linux 5.16, CVE-2021-4197), which is us.
      path = directory + "/cgroup.procs";
      tasks[count].reset(open(path.c_str(), O_WRONLY | O_CLOEXEC));
    }
    if (!tasks[count]) return Throw(info.Env(), Failed("open", path));
    fds[count] = tasks[count].get();
    count++;
    if (!names.empty()) names += '\n';
    names += directory;
  }
  return SendFrame(info.Env(), options.Integer("channel"), Frame::kCgroup, "cgroups", names, fds, count);
}

Napi::Value SendSeccomp(const Napi::CallbackInfo& info) {
  const Options options(info);
  const auto program = options.Get("program").As<Napi::Uint8Array>();
  const std::string_view bytes(reinterpret_cast<const char*>(program.Data()), program.ByteLength());
  return SendFrame(info.Env(), options.Integer("channel"), Frame::kSeccomp, "seccomp filter", bytes);
}

Napi::Value SendListener(const Napi::CallbackInfo& info) {
  const Options options(info);
  const std::string path = options.Path("path");
  UniqueFd listener;
  if (const Failure failure = BindUnixSocket(path, SOCK_STREAM, 0600, &listener)) return Throw(info.Env(), failure);
  if (listen(listener.get(), 1) == -1) return Throw(info.Env(), Failed("listen", path));
  const int fd = listener.get();
  return SendFrame(info.Env(), options.Integer("channel"), Frame::kListen, "listener", {}, &fd, 1);
}

Napi::Value Connect(const Napi::CallbackInfo& info) {
  UniqueFd socket;
  const Options options(info);
  const std::string path = options.Path("path");
  const int type = options.Flag("wait") ? SOCK_STREAM : SOCK_STREAM | SOCK_NONBLOCK;
  if (const Failure failure = ConnectUnixSocket(path, type, &socket)) return Throw(info.Env(), failure);
  return Napi::Number::New(info.Env(), socket.release());
}

}  // namespace runtime_ts
