// Verbs about this process itself.
#include <poll.h>
#include <sys/prctl.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <string>
#include <string_view>

#include "binding/file_content.h"
#include "binding/verb.h"
#include "binding/verbs.h"
#include "common/unique_fd.h"

namespace runtime_ts {
namespace {

// The initial namespace maps the whole range of ids onto itself in one line, and no one can write that line for
// another: a namespace with the identity map over a smaller range reads differently, and 4294967295 ids from 0 can be
// mapped only by who holds them all, who is then as good as there.
bool InInitialUserNamespace() {
  std::string map;
  if (const Failure failure = ReadWhole("/proc/self/uid_map", &map)) {
    return failure.number == ENOENT;  // no CONFIG_USER_NS: there is only the initial one
  }
  unsigned inside = 1;
  unsigned outside = 1;
  unsigned count = 0;
  return std::sscanf(map.c_str(), "%u %u %u", &inside, &outside, &count) == 3 && inside == 0 && outside == 0 &&
         count == 4294967295U;
}

// Open, and not by the engine. Close-on-exec flags do not tell (both engines mark what they inherit); but the first
// thing that either one opens is an epoll, at the lowest number that the caller left free, and nobody passes one on.
bool IsInherited(int fd) {
  const std::string link = "/proc/self/fd/" + std::to_string(fd);
  char target[64];
  const ssize_t size = readlink(link.c_str(), target, sizeof target);
  return size != -1 && std::string_view(target, static_cast<std::size_t>(size)) != "anon_inode:[eventpoll]";
}

}  // namespace

Napi::Value Exit(const Napi::CallbackInfo& info) { _exit(info[0].As<Napi::Number>().Int32Value()); }

Napi::Value Print(const Napi::CallbackInfo& info) {
  const Options options(info);
  const int fd = options.Integer("fd");
  const std::string text = options.Text("text");
  std::size_t written = 0;
  while (written < text.size()) {
    const ssize_t count = RetryOnEintr([&] { return write(fd, text.data() + written, text.size() - written); });
    if (count >= 0) {
      written += static_cast<std::size_t>(count);
    } else if (errno == EAGAIN) {
      // Someone who shares our stdout made it non-blocking (terminals are shared by whole sessions).
      pollfd writable{fd, POLLOUT, 0};
      RetryOnEintr([&] { return poll(&writable, 1, -1); });
    } else if (errno == EPIPE) {
      break;
    } else {
      return Throw(info.Env(), Failed("write"));
    }
  }
  return info.Env().Undefined();
}

Napi::Value Environment(const Napi::CallbackInfo& info) {
  const Napi::Env env = info.Env();
  auto variables = Napi::Object::New(env);
  for (char** entry = environ; entry != nullptr && *entry != nullptr; entry++) {
    const std::string_view text(*entry);
    const std::size_t sign = text.find('=');
    if (sign == std::string_view::npos || sign == 0) continue;
    const auto name = Napi::String::New(env, text.data(), sign);
    if (variables.HasOwnProperty(name)) continue;
    variables.Set(name, Napi::String::New(env, text.data() + sign + 1, text.size() - sign - 1));
  }
  return variables;
}

Napi::Value Identity(const Napi::CallbackInfo& info) {
  const Napi::Env env = info.Env();
  auto identity = Napi::Object::New(env);
  identity.Set("euid", Napi::Number::New(env, geteuid()));
  identity.Set("egid", Napi::Number::New(env, getegid()));
  identity.Set("initialUserNamespace", Napi::Boolean::New(env, InInitialUserNamespace()));
  return identity;
}

Napi::Value SetSubreaper(const Napi::CallbackInfo& info) {
  if (prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0) == -1)
    return Throw(info.Env(), Failed("prctl", "PR_SET_CHILD_SUBREAPER"));
  return info.Env().Undefined();
}

Napi::Value CheckPreservedFds(const Napi::CallbackInfo& info) {
  const Napi::Env env = info.Env();
  const int count = Options(info).Integer("count", 0);
  auto result = Napi::Object::New(env);
  for (int fd = 3; fd < 3 + count; fd++) {
    if (IsInherited(fd)) continue;
    result.Set("ok", Napi::Boolean::New(env, false));
    result.Set("fd", Napi::Number::New(env, fd));
    return result;
  }
  result.Set("ok", Napi::Boolean::New(env, true));
  return result;
}

}  // namespace runtime_ts
