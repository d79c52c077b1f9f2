#include "steps/hook_process.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <cstring>

#include "common/unique_fd.h"

namespace runtime_ts {
namespace {

struct Pipe {
  UniqueFd read;
  UniqueFd write;
};

bool MakePipe(Pipe* made) {
  int ends[2];
  if (pipe2(ends, O_CLOEXEC) < 0) return false;
  made->read = UniqueFd(ends[0]);
  made->write = UniqueFd(ends[1]);
  return true;
}

// Fills the pipe before anybody reads it: no SIGPIPE when the hook does not care for its input, and no second loop.
// A state larger than a pipe (64 KiB) needs a larger pipe.
bool MakeInput(std::string_view text, Pipe* input) {
  if (!MakePipe(input)) return false;
  constexpr std::size_t kDefaultPipe = 65536;
  if (text.size() > kDefaultPipe && fcntl(input->write.get(), F_SETPIPE_SZ, static_cast<int>(text.size())) < 0)
    return false;
  const ssize_t written = write(input->write.get(), text.data(), text.size());
  input->write.reset();
  return written == static_cast<ssize_t>(text.size());
}

struct StartFailure {
  int error;
};

// In the child. Its own process group, so that a hook which is over time goes with all it started.
[[noreturn]] void ExecHook(const HookProgram& program, const Pipe& input, const Pipe& output, const Pipe& failure) {
  setpgid(0, 0);
  umask(program.umask);
  char* by_path[] = {const_cast<char*>(program.path), nullptr};
  char** arguments = program.arguments[0] == nullptr ? by_path : program.arguments.get();
  const int out = program.output >= 0 ? program.output : output.write.get();
  const int error = program.error >= 0 ? program.error : output.write.get();
  if (dup2(input.read.get(), 0) >= 0 && dup2(out, 1) >= 0 && dup2(error, 2) >= 0) {
    // The preserved descriptors are for the container's program only.
    close_range(3, ~0U, CLOSE_RANGE_CLOEXEC);
    execve(program.path, arguments, program.environment.get());
  }
  const StartFailure report{errno};
  static_cast<void>(!write(failure.write.get(), &report, sizeof report));
  _exit(127);
}

std::int64_t Milliseconds() {
  timespec now{};
  clock_gettime(CLOCK_MONOTONIC, &now);
  return static_cast<std::int64_t>(now.tv_sec) * 1000 + now.tv_nsec / 1000000;
}

// Takes what the pipe has now, whether it fits or not, so that the hook never blocks on it: a program that fails says
// why at its end, so the beginning makes room. False at the pipe's end.
bool Drain(int pipe, HookOutcome* outcome, std::size_t* length) {
  constexpr std::size_t kRoom = sizeof outcome->output - 1;
  char chunk[1024];
  const ssize_t got = read(pipe, chunk, sizeof chunk);
  if (got <= 0) return got < 0 && errno == EINTR;
  const auto size = static_cast<std::size_t>(got);
  const std::size_t kept = *length + size > kRoom ? kRoom - size : *length;
  memmove(outcome->output, outcome->output + *length - kept, kept);
  memcpy(outcome->output + kept, chunk, size);
  *length = kept + size;
  return true;
}

// Until the process ends: the end of its output is no sign, a daemon that it left behind may hold the pipe.
void Watch(int pidfd, pid_t pid, int output, std::int64_t timeout_ms, HookOutcome* outcome) {
  const std::int64_t deadline = Milliseconds() + timeout_ms;
  std::size_t length = 0;
  pollfd watched[2] = {{pidfd, POLLIN, 0}, {output, POLLIN, 0}};
  for (;;) {
    std::int64_t left = -1;
    if (timeout_ms > 0 && !outcome->timed_out) {
      left = deadline - Milliseconds();
      if (left <= 0) {
        outcome->timed_out = true;
        kill(-pid, SIGKILL);
        syscall(SYS_pidfd_send_signal, pidfd, SIGKILL, nullptr, 0);
        left = -1;
      }
    }
    const int ready = poll(watched, 2, static_cast<int>(left > 60000 ? 60000 : left));
    if (ready <= 0) continue;
    if (watched[1].revents != 0 && !Drain(output, outcome, &length)) watched[1].fd = -1;
    if (watched[0].revents != 0) break;
  }
  fcntl(output, F_SETFL, O_NONBLOCK);
  // A pipe's full, which is what the hook itself can have left; a daemon of it may go on writing.
  for (int chunks = 0; chunks < 64 && watched[1].fd >= 0 && Drain(output, outcome, &length); chunks++) {
  }
  while (length > 0 && outcome->output[length - 1] == '\n') length--;
  outcome->output[length] = '\0';
}

}  // namespace

bool RunHookProgram(const HookProgram& program, HookOutcome* outcome) {
  Pipe input;
  Pipe output;
  Pipe failure;
  outcome->output[0] = '\0';
  if (program.arguments == nullptr || program.environment == nullptr) {
    errno = ENOMEM;
    return false;
  }
  if (!MakeInput(program.input, &input) || !MakePipe(&output) || !MakePipe(&failure)) return false;

  const pid_t pid = fork();
  if (pid < 0) return false;
  if (pid == 0) ExecHook(program, input, output, failure);
  // Also here: whoever comes first, the group exists before it may have to be killed.
  setpgid(pid, pid);
  input.read.reset();
  output.write.reset();
  failure.write.reset();

  StartFailure report{};
  if (RetryOnEintr([&] { return read(failure.read.get(), &report, sizeof report); }) == sizeof report) {
    outcome->failed_call = program.path;
    outcome->error = report.error;
  }
  const UniqueFd pidfd(static_cast<int>(syscall(SYS_pidfd_open, pid, 0)));
  if (pidfd) Watch(pidfd.get(), pid, output.read.get(), program.timeout_ms, outcome);

  int status = 0;
  if (RetryOnEintr([&] { return waitpid(pid, &status, 0); }) != pid) return false;
  if (WIFSIGNALED(status)) {
    outcome->signal = WTERMSIG(status);
  } else {
    outcome->status = WEXITSTATUS(status);
  }
  return true;
}

}  // namespace runtime_ts
