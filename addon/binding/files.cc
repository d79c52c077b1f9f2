// Verbs for host files that the engine trusts: state, logs, pid files, control files.
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>

#include "binding/file_content.h"
#include "binding/file_type.h"
#include "binding/verb.h"
#include "binding/verbs.h"
#include "common/unique_fd.h"
#include "common/utf8.h"

namespace runtime_ts {
namespace {

// `.name` beside `name`, as runc names the temporary pid file: some callers watch the directory.
std::string TemporaryFor(const std::string& path) {
  const std::size_t slash = path.rfind('/');
  const std::size_t name = slash == std::string::npos ? 0 : slash + 1;
  return path.substr(0, name) + "." + path.substr(name);
}

Failure WriteTemporary(const std::string& temporary, const std::string& text, int mode, bool sync) {
  constexpr int kFlags = O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC;
  UniqueFd file(open(temporary.c_str(), kFlags, mode));
  if (!file && errno == EEXIST) {
    // Left by a writer that was killed between open and rename. Two living writers exclude each other by a lock.
    if (unlink(temporary.c_str()) == -1 && errno != ENOENT) return Failed("unlink", temporary);
    file.reset(open(temporary.c_str(), kFlags, mode));
  }
  if (!file) return Failed("open", temporary);
  if (Failure failure = WriteWhole(file.get(), text, temporary)) return failure;
  if (sync && fdatasync(file.get()) == -1) return Failed("fdatasync", temporary);
  return {};
}

// Swaps the two names, then removes the old file. ext4 answers a rename onto an existing file by writing the new one to
// the disk at once (auto_da_alloc), and whoever unlinks it soon after waits for that: 1.4 ms of a `run`, where /run is
// no tmpfs. An exchange is as atomic, and no reason for it to. Only for files that nobody else puts there.
bool Exchange(const std::string& temporary, const std::string& path) {
  // ENOENT: the first of its name. EINVAL: a file system that cannot.
  if (renameat2(AT_FDCWD, temporary.c_str(), AT_FDCWD, path.c_str(), RENAME_EXCHANGE) == -1) return false;
  unlink(temporary.c_str());
  return true;
}

Failure Replace(const Options& options) {
  const std::string path = options.Path("path");
  const std::string temporary = TemporaryFor(path);
  Failure failure =
      WriteTemporary(temporary, options.Text("text"), options.Integer("mode", 0600), options.Flag("sync"));
  if (!failure && options.Flag("exchange") && Exchange(temporary, path)) return {};
  if (!failure && rename(temporary.c_str(), path.c_str()) == -1) failure = Failed("rename", path);
  if (failure && failure.number != EEXIST) unlink(temporary.c_str());
  return failure;
}

}  // namespace

Napi::Value ReadText(const Napi::CallbackInfo& info) {
  const Options options(info);
  const std::string path = options.Path("path");
  std::string content;
  if (const Failure failure = ReadWhole(path, &content)) return Throw(info.Env(), failure);
  if (!options.Flag("lossy") && !IsUtf8(content)) return Throw(info.Env(), {"read", EILSEQ, path});
  return Napi::String::New(info.Env(), content);
}

Napi::Value ReadInput(const Napi::CallbackInfo& info) {
  std::string content;
  if (const Failure failure = ReadToEnd(STDIN_FILENO, "standard input", &content)) return Throw(info.Env(), failure);
  if (!IsUtf8(content)) return Throw(info.Env(), {"read", EILSEQ, "standard input"});
  return Napi::String::New(info.Env(), content);
}

Napi::Value ReplaceFile(const Napi::CallbackInfo& info) { return Finish(info.Env(), Replace(Options(info))); }

Napi::Value AppendText(const Napi::CallbackInfo& info) {
  const Options options(info);
  const std::string path = options.Path("path");
  const UniqueFd file(RetryOnEintr(
      [&] { return open(path.c_str(), O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, options.Integer("mode", 0600)); }));
  if (!file) return Throw(info.Env(), Failed("open", path));
  return Finish(info.Env(), WriteWhole(file.get(), options.Text("text"), path));
}

Napi::Value WriteControl(const Napi::CallbackInfo& info) {
  const Options options(info);
  return Finish(info.Env(), WriteOnce(options.Path("path"), options.Text("text")));
}

Napi::Value RemoveFile(const Napi::CallbackInfo& info) {
  const Options options(info);
  const std::string path = options.Path("path");
  if (unlink(path.c_str()) == -1 && !(errno == ENOENT && options.Flag("missingOk"))) {
    return Throw(info.Env(), Failed("unlink", path));
  }
  return info.Env().Undefined();
}

Napi::Value Stat(const Napi::CallbackInfo& info) {
  const Napi::Env env = info.Env();
  const Options options(info);
  const std::string path = options.Path("path");
  struct stat status {};
  if (fstatat(AT_FDCWD, path.c_str(), &status, options.Flag("noFollow") ? AT_SYMLINK_NOFOLLOW : 0) == -1) {
    if (errno == ENOENT || errno == ENOTDIR) return env.Undefined();
    return Throw(env, Failed("stat", path));
  }
  auto result = Napi::Object::New(env);
  result.Set("type", Napi::String::New(env, FileTypeName(status.st_mode)));
  result.Set("mode", Napi::Number::New(env, status.st_mode & 07777));
  result.Set("uid", Napi::Number::New(env, status.st_uid));
  result.Set("gid", Napi::Number::New(env, status.st_gid));
  // Linux has 32 bits of each in use.
  result.Set("device", Napi::Number::New(env, static_cast<double>(status.st_dev)));
  result.Set("deviceNumber", Napi::Number::New(env, static_cast<double>(status.st_rdev)));
  result.Set("size", Napi::Number::New(env, static_cast<double>(status.st_size)));
  const double seconds = static_cast<double>(status.st_mtim.tv_sec);
  result.Set("mtimeMs", Napi::Number::New(env, seconds * 1e3 + static_cast<double>(status.st_mtim.tv_nsec) / 1e6));
  return result;
}

Napi::Value RealPath(const Napi::CallbackInfo& info) {
  const std::string path = Options(info).Path("path");
  char* resolved = realpath(path.c_str(), nullptr);
  if (resolved == nullptr) return Throw(info.Env(), Failed("realpath", path));
  const Napi::Value result = Napi::String::New(info.Env(), resolved);
  std::free(resolved);
  return result;
}

Napi::Value Close(const Napi::CallbackInfo& info) {
  UniqueFd(Options(info).Integer("fd")).reset();
  return info.Env().Undefined();
}

}  // namespace runtime_ts
