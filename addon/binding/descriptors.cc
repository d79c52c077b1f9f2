// Verbs that open host files, and find places in a directory that is not trusted.
#include <fcntl.h>
#include <linux/openat2.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <climits>

#include "binding/verb.h"
#include "binding/verbs.h"
#include "common/unique_fd.h"

namespace runtime_ts {
namespace {

// What /proc calls a file: its path, or a name such as pipe:[4711].
Failure Link(const std::string& path, std::string* target) {
  char text[PATH_MAX];
  const ssize_t length = readlink(path.c_str(), text, sizeof text);
  if (length == -1) return Failed("readlink", path);
  target->assign(text, static_cast<std::size_t>(length));
  return {};
}

}  // namespace

Napi::Value OpenFile(const Napi::CallbackInfo& info) {
  const std::string path = Options(info).Path("path");
  const int fd = open(path.c_str(), O_RDONLY | O_CLOEXEC);
  if (fd == -1) return Throw(info.Env(), Failed("open", path));
  return Napi::Number::New(info.Env(), fd);
}

Napi::Value SetGroup(const Napi::CallbackInfo& info) {
  const Options options(info);
  const std::string path = options.Path("path");
  const UniqueFd directory(open(path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (!directory) return Throw(info.Env(), Failed("open", path));
  const auto mode = static_cast<mode_t>(options.Integer("mode"));
  if (fchown(directory.get(), static_cast<uid_t>(-1), static_cast<gid_t>(options.Integer("gid"))) == -1 ||
      fchmod(directory.get(), mode) == -1) {
    return Throw(info.Env(), Failed("fchown", path));
  }
  return info.Env().Undefined();
}

Napi::Value ReadLink(const Napi::CallbackInfo& info) {
  std::string target;
  if (const Failure failure = Link(Options(info).Path("path"), &target)) return Throw(info.Env(), failure);
  return Napi::String::New(info.Env(), target);
}

Napi::Value ResolveInRoot(const Napi::CallbackInfo& info) {
  const Napi::Env env = info.Env();
  const Options options(info);
  const std::string root = options.Path("root");
  const std::string path = options.Path("path");
  const UniqueFd directory(open(root.c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC));
  if (!directory) return Throw(env, Failed("open", root));
  open_how how{};
  how.flags = O_PATH | O_CLOEXEC;
  how.resolve = RESOLVE_IN_ROOT | RESOLVE_NO_MAGICLINKS;
  const UniqueFd found(static_cast<int>(syscall(SYS_openat2, directory.get(), path.c_str(), &how, sizeof how)));
  if (!found && errno == ENOENT) return env.Undefined();
  if (!found) return Throw(env, Failed("openat2", path));

  std::string above;
  std::string whole;
  if (const Failure failure = Link("/proc/self/fd/" + std::to_string(directory.get()), &above))
    return Throw(env, failure);
  if (const Failure failure = Link("/proc/self/fd/" + std::to_string(found.get()), &whole)) return Throw(env, failure);
  if (whole == above) return Napi::String::New(env, "/");
  if (whole.rfind(above + "/", 0) != 0) return Throw(env, {"openat2", EXDEV, path});
  return Napi::String::New(env, whole.substr(above.size()));
}

}  // namespace runtime_ts
