// The verb that runs a hook, and everything that can go wrong with one: it hangs, it prints without end, it never
// reads its standard input, it leaves children behind that hold its pipes open.
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include "binding/held_signals.h"
#include "binding/spawn.h"
#include "binding/verb.h"
#include "binding/verbs.h"
#include "binding/wait.h"
#include "common/errno_text.h"
#include "common/unique_fd.h"

namespace runtime_ts {
namespace {

constexpr std::size_t kMaxOutput = std::size_t{64} * 1024;
constexpr std::size_t kChunk = 8192;

struct Hook {
  std::string path;
  std::vector<std::string> args;
  std::vector<std::string> env;
  std::string stdin_text;
  std::string directory;
  int timeout_ms = -1;
  // Files that its standard output and error are appended to; empty: what it writes is captured.
  std::string stdout_file;
  std::string stderr_file;
};

struct HookOutcome {
  siginfo_t ended{};
  bool timed_out = false;
  int interrupted = 0;  // the signal to this process that cut it short
  std::string output;
};

struct Pipe {
  UniqueFd read_end;
  UniqueFd write_end;
};

Failure MakePipe(Pipe* pipe) {
  int ends[2];
  if (pipe2(ends, O_CLOEXEC) == -1) return Failed("pipe2");
  pipe->read_end.reset(ends[0]);
  pipe->write_end.reset(ends[1]);
  return {};
}

// Beside the pipe: a descriptor of the file, where there is one.
Failure OpenOutput(const std::string& path, UniqueFd* file) {
  if (path.empty()) return {};
  file->reset(open(path.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC | O_NOCTTY, 0600));
  return *file ? Failure{} : Failed("open", path);
}

std::vector<char*> Pointers(std::vector<std::string>* texts) {
  std::vector<char*> pointers;
  for (std::string& text : *texts) pointers.push_back(text.data());
  pointers.push_back(nullptr);
  return pointers;
}

// The running hook and our ends of its pipes.
class Conversation {
 public:
  Conversation(Spawned process, UniqueFd to, UniqueFd from, const Hook& hook, HookOutcome* outcome)
      : process_(std::move(process)),
        to_(std::move(to)),
        from_(std::move(from)),
        unsent_(hook.stdin_text),
        deadline_(Deadline::After(hook.timeout_ms)),
        outcome_(outcome) {
    fcntl(to_.get(), F_SETFL, O_NONBLOCK);
    fcntl(from_.get(), F_SETFL, O_NONBLOCK);
  }

  // Until the hook ends or its time is over. The end of its output is not waited for: a daemon that the hook left
  // behind may hold the pipe for ever.
  Failure Run() {
    for (;;) {
      pollfd fds[4] = {{process_.pidfd.get(), POLLIN, 0},
                       {to_.get(), POLLOUT, 0},
                       {from_.get(), POLLIN, 0},
                       {HeldSignalsFd(), POLLIN, 0}};
      const int ready = PollUntil(fds, 4, deadline_);
      if (ready == -1) return Failed("poll");
      if (fds[1].revents != 0) Feed();
      if (fds[2].revents != 0) Drain();
      if (fds[0].revents != 0) return End();
      if (fds[3].revents != 0) {
        outcome_->interrupted = NextHeldSignal();
        if (outcome_->interrupted != 0) return End();
      }
      if (ready == 0) {
        outcome_->timed_out = true;
        return End();
      }
    }
  }

 private:
  void Feed() {
    const ssize_t count = RetryOnEintr([&] { return write(to_.get(), unsent_.data(), unsent_.size()); });
    if (count > 0) unsent_.remove_prefix(static_cast<std::size_t>(count));
    // A hook need not read its state: EPIPE is its good right (engines ignore SIGPIPE).
    if (unsent_.empty() || (count == -1 && errno != EAGAIN)) to_.reset();
  }

  // Reads what is there now, also beyond the limit, so that the hook never blocks on it. True when it stopped with more
  // to come: a hook that prints for ever must not keep us from its deadline.
  bool Drain() {
    char chunk[kChunk];
    for (;;) {
      const ssize_t count = RetryOnEintr([&] { return read(from_.get(), chunk, sizeof chunk); });
      if (count == -1 && errno == EAGAIN) return false;
      if (count <= 0) {
        from_.reset();
        return false;
      }
      std::string& output = outcome_->output;
      output.append(chunk, static_cast<std::size_t>(count));
      if (output.size() <= kMaxOutput) continue;
      // A program that fails says why at its end: the beginning is what is dropped.
      output.erase(0, output.size() - kMaxOutput);
      return true;
    }
  }

  Failure End() {
    // The session leader is our unreaped child, so the group's number can't belong to anyone else yet. Only an
    // overdue or interrupted hook loses its children: a hook may start a daemon and end.
    if (outcome_->timed_out || outcome_->interrupted != 0) kill(-process_.pid, SIGKILL);
    const auto pidfd = static_cast<id_t>(process_.pidfd.get());
    if (RetryOnEintr([&] { return waitid(P_PIDFD, pidfd, &outcome_->ended, WEXITED); }) == -1) return Failed("waitid");
    // A pipe's full, which is what the hook itself can have left; a daemon of it may go on writing.
    for (std::size_t left = kMaxOutput; from_ && Drain() && left > kChunk; left -= kChunk) {
    }
    return {};
  }

  Spawned process_;
  UniqueFd to_;
  UniqueFd from_;
  std::string_view unsent_;
  Deadline deadline_;
  HookOutcome* outcome_;
};

Failure Run(Hook* hook, HookOutcome* outcome, bool* started) {
  Pipe input;
  Pipe output;
  if (Failure failure = MakePipe(&input)) return failure;
  if (Failure failure = MakePipe(&output)) return failure;

  UniqueFd stdout_file;
  UniqueFd stderr_file;
  if (Failure failure = OpenOutput(hook->stdout_file, &stdout_file)) return failure;
  if (Failure failure = OpenOutput(hook->stderr_file, &stderr_file)) return failure;

  if (hook->args.empty()) hook->args.push_back(hook->path);
  const std::vector<char*> argv = Pointers(&hook->args);
  const std::vector<char*> envp = Pointers(&hook->env);
  SpawnRequest request;
  request.path = hook->path.c_str();
  request.argv = argv.data();
  request.envp = envp.data();
  request.standard[0] = input.read_end.get();
  request.standard[1] = stdout_file ? stdout_file.get() : output.write_end.get();
  request.standard[2] = stderr_file ? stderr_file.get() : output.write_end.get();
  request.session = true;
  if (!hook->directory.empty()) request.directory = hook->directory.c_str();

  Spawned process;
  if (Failure failure = Spawn(request, &process)) return failure;
  *started = true;
  input.read_end.reset();
  output.write_end.reset();
  return Conversation(std::move(process), std::move(input.write_end), std::move(output.read_end), *hook, outcome).Run();
}

Napi::Object Describe(Napi::Env env, const Failure& failure) {
  auto object = Napi::Object::New(env);
  object.Set("syscall", Napi::String::New(env, failure.syscall));
  object.Set("errno", Napi::Number::New(env, failure.number));
  object.Set("code", Napi::String::New(env, ErrnoName(failure.number)));
  return object;
}

}  // namespace

Napi::Value RunHook(const Napi::CallbackInfo& info) {
  const Napi::Env env = info.Env();
  const Options options(info);
  Hook hook{options.Path("path"),       options.Texts("args"),     options.Texts("env"),
            options.Text("stdin"),      options.Path("cwd"),       options.Integer("timeoutMs", -1),
            options.Path("stdoutFile"), options.Path("stderrFile")};
  HookOutcome outcome;
  bool started = false;
  const std::int64_t begin = MonotonicNanoseconds();
  const Failure failure = Run(&hook, &outcome, &started);
  const double duration = static_cast<double>(MonotonicNanoseconds() - begin) / 1e6;
  if (failure && started) return Throw(env, failure);

  const bool exited = started && outcome.ended.si_code == CLD_EXITED;
  auto result = Napi::Object::New(env);
  result.Set("status", Napi::Number::New(env, exited ? outcome.ended.si_status : -1));
  result.Set("signal", Napi::Number::New(env, started && !exited ? outcome.ended.si_status : 0));
  result.Set("timedOut", Napi::Boolean::New(env, outcome.timed_out));
  result.Set("output", Napi::String::New(env, outcome.output));
  result.Set("durationMs", Napi::Number::New(env, duration));
  if (outcome.interrupted != 0) result.Set("interrupted", Napi::Number::New(env, outcome.interrupted));
  if (failure) result.Set("failure", Describe(env, failure));
  return result;
}

}  // namespace runtime_ts
