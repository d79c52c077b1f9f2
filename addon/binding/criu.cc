// Verbs for criu's RPC: the program is started with `swrk`, which makes it serve one client on descriptor 3.
#include <fcntl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cstring>
#include <utility>
#include <vector>

#include "binding/spawn.h"
#include "binding/verb.h"
#include "binding/verbs.h"
#include "common/unique_fd.h"

namespace runtime_ts {
namespace {

// As long as runc's buffer; criu's answers have a few hundred bytes.
constexpr std::size_t kLongestAnswer = std::size_t{40} * 1024;

Failure OpenOutput(const std::string& path, UniqueFd* input, UniqueFd* output) {
  input->reset(open("/dev/null", O_RDONLY | O_CLOEXEC));
  if (!*input) return Failed("open", "/dev/null");
  output->reset(open(path.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC, 0600));
  return *output ? Failure{} : Failed("open", path);
}

std::vector<char*> Pointers(std::vector<std::string>& texts) {
  std::vector<char*> pointers;
  pointers.reserve(texts.size() + 1);
  for (std::string& text : texts) pointers.push_back(text.data());
  pointers.push_back(nullptr);
  return pointers;
}

}  // namespace

Napi::Value StartCriu(const Napi::CallbackInfo& info) {
  const Napi::Env env = info.Env();
  const Options options(info);
  const std::string program = options.Path("program");
  std::vector<std::string> arguments = {"criu", "swrk", "3"};
  std::vector<std::string> variables = options.Texts("env");
  const std::vector<char*> argv = Pointers(arguments);
  const std::vector<char*> envp = Pointers(variables);

  int ends[2];
  if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends) == -1) return Throw(env, Failed("socketpair"));
  UniqueFd ours(ends[0]);
  const UniqueFd theirs(ends[1]);
  SpawnRequest request;
  request.path = program.c_str();
  request.argv = argv.data();
  request.envp = envp.data();
  request.extra = theirs.get();
  std::vector<int> more;
  const auto fds = options.Get("fds").As<Napi::Array>();
  for (std::uint32_t i = 0; i < fds.Length(); i++) more.push_back(fds.Get(i).As<Napi::Number>().Int32Value());
  request.more = more.data();
  request.more_count = static_cast<int>(more.size());
  UniqueFd input;
  UniqueFd output;
  if (options.Has("output")) {
    if (const Failure failure = OpenOutput(options.Path("output"), &input, &output)) return Throw(env, failure);
    request.standard[0] = input.get();
    request.standard[1] = output.get();
    request.standard[2] = output.get();
  }
  Spawned spawned;
  if (const Failure failure = Spawn(request, &spawned)) return Throw(env, {failure.syscall, failure.number, program});

  auto result = Napi::Object::New(env);
  result.Set("socket", Napi::Number::New(env, ours.release()));
  result.Set("pid", Napi::Number::New(env, spawned.pid));
  result.Set("pidfd", Napi::Number::New(env, spawned.pidfd.release()));
  return result;
}

Napi::Value SendCriu(const Napi::CallbackInfo& info) {
  const Options options(info);
  const auto data = options.Get("data").As<Napi::Uint8Array>();
  const ssize_t sent =
      RetryOnEintr([&] { return send(options.Integer("socket"), data.Data(), data.ByteLength(), MSG_NOSIGNAL); });
  if (sent == -1) return Throw(info.Env(), Failed("send", "request to criu"));
  return info.Env().Undefined();
}

Napi::Value ReceiveCriu(const Napi::CallbackInfo& info) {
  const Napi::Env env = info.Env();
  std::vector<char> bytes(kLongestAnswer);
  iovec part{bytes.data(), bytes.size()};
  alignas(cmsghdr) char control[CMSG_SPACE(sizeof(int))];
  msghdr message{};
  message.msg_iov = &part;
  message.msg_iovlen = 1;
  message.msg_control = control;
  message.msg_controllen = sizeof control;
  const int socket = Options(info).Integer("socket");
  const ssize_t got = RetryOnEintr([&] { return recvmsg(socket, &message, MSG_CMSG_CLOEXEC); });
  if (got == -1) return Throw(env, Failed("recvmsg", "answer of criu"));
  UniqueFd fd;
  const cmsghdr* header = CMSG_FIRSTHDR(&message);
  if (header != nullptr && header->cmsg_level == SOL_SOCKET && header->cmsg_type == SCM_RIGHTS) {
    int number = -1;
    std::memcpy(&number, CMSG_DATA(header), sizeof number);
    fd.reset(number);
  }
  if ((message.msg_flags & MSG_TRUNC) != 0) return Throw(env, {"recvmsg", EMSGSIZE, "answer of criu"});

  auto data = Napi::Uint8Array::New(env, static_cast<std::size_t>(got));
  if (got > 0) std::memcpy(data.Data(), bytes.data(), static_cast<std::size_t>(got));
  auto result = Napi::Object::New(env);
  result.Set("data", data);
  if (fd) result.Set("fd", Napi::Number::New(env, fd.release()));
  return result;
}

}  // namespace runtime_ts
