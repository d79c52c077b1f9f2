// A stand-in for the engine: runs one plan with the init, answers its questions, and says on standard error what
// happened, one JSON line an event, each after "@ ". Standard output is the container's.
//
//   engine INIT PLAN [--map FIRST SIZE] [--cgroup DIR]... [--seccomp FILE] [--listen PATH] [--hold] [--preserve N]
//
// --map maps both ids from 0; --terminal copies what the terminal shows to standard output; --hold waits for the end of
// standard input before start; --listen starts through a socket at PATH. The exit status is the container's
// (128+signal), 111 when the init reported a failure.
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <ctime>
#include <string>
#include <vector>

#include "common/frame.h"

using runtime_ts::Frame;
using runtime_ts::Message;
using runtime_ts::ReadFrame;
using runtime_ts::ReadResult;
using runtime_ts::UniqueFd;
using runtime_ts::WriteFrame;

namespace {

struct Options {
  const char* init = nullptr;
  const char* plan = nullptr;
  const char* map_first = nullptr;
  const char* map_size = nullptr;
  std::vector<const char*> cgroups;
  const char* seccomp = nullptr;
  const char* listen = nullptr;
  bool hold = false;
  bool terminal = false;
  int preserve = 0;
};

[[noreturn]] void Die(const char* what) {
  perror(what);
  exit(99);
}

Options Parse(int argc, char** argv) {
  Options options;
  options.init = argv[1];
  options.plan = argv[2];
  for (int i = 3; i < argc; i++) {
    const std::string name = argv[i];
    if (name == "--hold") {
      options.hold = true;
    } else if (name == "--terminal") {
      options.terminal = true;
    } else if (name == "--map" && i + 2 < argc) {
      options.map_first = argv[++i];
      options.map_size = argv[++i];
    } else if (name == "--cgroup" && i + 1 < argc) {
      options.cgroups.push_back(argv[++i]);
    } else if (name == "--seccomp" && i + 1 < argc) {
      options.seccomp = argv[++i];
    } else if (name == "--listen" && i + 1 < argc) {
      options.listen = argv[++i];
    } else if (name == "--preserve" && i + 1 < argc) {
      options.preserve = atoi(argv[++i]);
    } else {
      fprintf(stderr, "engine: %s?\n", argv[i]);
      exit(98);
    }
  }
  return options;
}

std::string ReadAll(const char* path) {
  std::string text;
  FILE* file = fopen(path, "r");
  if (file == nullptr) Die(path);
  char buffer[65536];
  for (std::size_t got; (got = fread(buffer, 1, sizeof buffer, file)) > 0;) text.append(buffer, got);
  fclose(file);
  return text;
}

void WriteAll(const std::string& path, const std::string& text) {
  const UniqueFd file(open(path.c_str(), O_WRONLY));
  if (!file || write(file.get(), text.data(), text.size()) < 0) Die(path.c_str());
}

void Event(const char* type, const std::string& rest = "") {
  fprintf(stderr, "@ {\"event\":\"%s\"%s}\n", type, rest.c_str());
}

sockaddr_un Address(const char* path) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  snprintf(address.sun_path, sizeof address.sun_path, "%s", path);
  return address;
}

double Now() {
  timespec now{};
  clock_gettime(CLOCK_MONOTONIC, &now);
  return static_cast<double>(now.tv_sec) * 1e3 + static_cast<double>(now.tv_nsec) / 1e6;
}

// The container's own frames are read until the channel closes; returns true when a failure was among them.
class Conversation {
 public:
  Conversation(const Options& options, int channel) : options_(options), channel_(channel) {}

  void Begin() {
    const std::string plan = ReadAll(options_.plan);
    Send(Frame::kPlan, plan);
    // Ahead of time, as the real engine does: the init keeps what it did not ask for yet.
    if (options_.seccomp != nullptr) Send(Frame::kSeccomp, ReadAll(options_.seccomp));
    SendCgroups();
    if (options_.listen != nullptr) SendListener();
  }

  bool Run() {
    Message message;
    for (;;) {
      const ReadResult result = ReadFrame(channel_.get(), &message);
      if (result == ReadResult::kClosed) break;
      if (result == ReadResult::kFailed) {
        Event("broken", ",\"errno\":" + std::to_string(errno));
        break;
      }
      Handle(message);
    }
    Event("closed");
    if (ready_ && options_.listen != nullptr) StartBySocket();
    if (options_.terminal) ShowTerminal();
    return failed_;
  }

  [[nodiscard]] int pid() const { return pid_; }

 private:
  void Send(Frame kind, const std::string& payload = "", const int* fds = nullptr, int count = 0) {
    if (!WriteFrame(channel_.get(), kind, payload, fds, count)) Event("unsent");
  }

  void SendCgroups() {
    std::string lines;
    std::vector<UniqueFd> files;
    std::vector<int> fds;
    for (const char* directory : options_.cgroups) {
      const std::string path = std::string(directory) + "/tasks";
      files.emplace_back(open(path.c_str(), O_WRONLY | O_CLOEXEC));
      if (!files.back()) Die(path.c_str());
      fds.push_back(files.back().get());
      lines += std::string(directory) + "\n";
    }
    Send(Frame::kCgroup, lines, fds.data(), static_cast<int>(fds.size()));
  }

  void SendListener() {
    const UniqueFd listener(socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
    const sockaddr_un address = Address(options_.listen);
    unlink(options_.listen);
    if (bind(listener.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) < 0) Die("bind");
    if (listen(listener.get(), 8) < 0) Die("listen");
    const int fd = listener.get();
    Send(Frame::kListen, "", &fd, 1);
  }

  void Hold() const {
    char byte = 0;
    while (options_.hold && read(0, &byte, 1) > 0) {
    }
  }

  void Handle(Message& message) {
    const std::string payload(message.payload.view());
    switch (message.kind) {
      case Frame::kPid:
        pid_ = atoi(payload.c_str());
        Event("pid", ",\"pid\":" + payload + ",\"fds\":" + std::to_string(message.fd_count));
        break;
      case Frame::kIdMap:
        Event("idmap");
        WriteMaps();
        Send(Frame::kIdMapDone);
        break;
      case Frame::kHooks:
        Event("hooks");
        Send(Frame::kHooksDone);
        break;
      case Frame::kTerminal:
        Event("terminal", ",\"name\":\"" + payload + "\",\"fds\":" + std::to_string(message.fd_count));
        master_ = std::move(message.fds[0]);
        ShowSize();
        break;
      case Frame::kTrace:
        Event("trace", ",\"microseconds\":" + payload);
        break;
      case Frame::kReady:
        ready_ = true;
        Event("ready", ",\"ms\":" + std::to_string(Now() - begin_));
        if (options_.listen == nullptr) {
          Hold();
          Send(Frame::kStart);
        }
        break;
      case Frame::kFailure:
        failed_ = true;
        Event("failure", ",\"failure\":" + payload);
        break;
      default:
        Event("unexpected");
    }
  }

  void ShowSize() const {
    winsize size{};
    if (ioctl(master_.get(), TIOCGWINSZ, &size) < 0) Die("TIOCGWINSZ");
    Event("size", ",\"rows\":" + std::to_string(size.ws_row) + ",\"columns\":" + std::to_string(size.ws_col));
  }

  // Until the last slave is closed, which reads as EIO.
  void ShowTerminal() const {
    char buffer[4096];
    for (ssize_t got; (got = read(master_.get(), buffer, sizeof buffer)) > 0;) {
      if (write(1, buffer, static_cast<std::size_t>(got)) < 0) Die("write");
    }
  }

  void WriteMaps() const {
    const std::string proc = "/proc/" + std::to_string(pid_);
    const std::string map = std::string("0 ") + options_.map_first + " " + options_.map_size;
    WriteAll(proc + "/uid_map", map);
    WriteAll(proc + "/gid_map", map);
  }

  void StartBySocket() {
    Hold();
    // A stranger first, who says nothing and one who says nonsense: the wait must go on.
    const sockaddr_un address = Address(options_.listen);
    for (int i = 0; i < 2; i++) {
      const UniqueFd stranger(socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
      if (connect(stranger.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) < 0) Die("connect");
      if (i == 1 && write(stranger.get(), "nonsense", 8) < 0) Die("write");
    }
    channel_ = UniqueFd(socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
    if (connect(channel_.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) < 0) Die("connect");
    Send(Frame::kStart);
    Message message;
    while (ReadFrame(channel_.get(), &message) == ReadResult::kFrame) Handle(message);
    Event("started");
    const UniqueFd late(socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
    if (connect(late.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) < 0)
      Event("refused", ",\"errno\":" + std::to_string(errno));
  }

  const Options& options_;
  UniqueFd channel_;
  UniqueFd master_;
  int pid_ = 0;
  bool ready_ = false;
  bool failed_ = false;
  double begin_ = Now();
};

}  // namespace

int main(int argc, char** argv) {
  if (argc < 3) return 98;
  const Options options = Parse(argc, argv);
  int ends[2];
  if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) < 0) Die("socketpair");

  const int channel = 3 + options.preserve;
  const UniqueFd theirs(fcntl(ends[1], F_DUPFD_CLOEXEC, 100));
  const UniqueFd mine(fcntl(ends[0], F_DUPFD_CLOEXEC, 100));
  close(ends[1]);
  const double begin = Now();
  const pid_t stage = vfork();
  if (stage == 0) {
    if (dup2(theirs.get(), channel) < 0) _exit(97);
    char number[16];
    snprintf(number, sizeof number, "%d", channel);
    execl(options.init, "runtime-ts-init", number, nullptr);
    _exit(96);
  }
  const_cast<UniqueFd&>(theirs).reset();

  Conversation conversation(options, fcntl(mine.get(), F_DUPFD_CLOEXEC, 100));
  const_cast<UniqueFd&>(mine).reset();
  conversation.Begin();
  const bool failed = conversation.Run();

  int status = 0;
  waitpid(stage, nullptr, 0);
  if (conversation.pid() > 0) waitpid(conversation.pid(), &status, 0);
  Event("end", ",\"ms\":" + std::to_string(Now() - begin));
  if (failed) return 111;
  return WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
}
