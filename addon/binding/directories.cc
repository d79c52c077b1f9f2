// Verbs for directories that the engine trusts.
#include <dirent.h>
#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstring>
#include <memory>

#include "binding/file_type.h"
#include "binding/make_directory.h"
#include "binding/remove_tree.h"
#include "binding/verb.h"
#include "binding/verbs.h"
#include "common/unique_fd.h"

namespace runtime_ts {
namespace {

struct CloseDirectory {
  void operator()(DIR* directory) const { closedir(directory); }
};
using Directory = std::unique_ptr<DIR, CloseDirectory>;

// d_type where the filesystem fills it in; some (overlays of old filesystems) leave it to fstatat.
const char* EntryType(int directory, const dirent& entry) {
  if (entry.d_type != DT_UNKNOWN) return FileTypeName(DTTOIF(entry.d_type));
  struct stat status {};
  if (fstatat(directory, entry.d_name, &status, AT_SYMLINK_NOFOLLOW) == -1) return "file";
  return FileTypeName(status.st_mode);
}

}  // namespace

Napi::Value MakeDirectory(const Napi::CallbackInfo& info) {
  const Options options(info);
  const std::string path = options.Path("path");
  const auto mode = static_cast<mode_t>(options.Integer("mode", 0700));
  bool made = false;
  Failure failure = options.Flag("parents") ? MakeDirectories(path, mode, &made) : MakeOneDirectory(path, mode, &made);
  if (!failure && !made && !options.Flag("existOk")) failure = {"mkdir", EEXIST, path};
  if (failure) return Throw(info.Env(), failure);
  return Napi::Boolean::New(info.Env(), made);
}

Napi::Value RemoveDirectory(const Napi::CallbackInfo& info) {
  const Options options(info);
  const std::string path = options.Path("path");
  if (rmdir(path.c_str()) == -1 && !(errno == ENOENT && options.Flag("missingOk"))) {
    return Throw(info.Env(), Failed("rmdir", path));
  }
  return info.Env().Undefined();
}

Napi::Value RemoveTree(const Napi::CallbackInfo& info) {
  return Finish(info.Env(), RemoveTreeAt(Options(info).Path("path")));
}

Napi::Value ListDirectory(const Napi::CallbackInfo& info) {
  const Napi::Env env = info.Env();
  const std::string path = Options(info).Path("path");
  const Directory directory(opendir(path.c_str()));
  if (!directory) return Throw(env, Failed("open", path));

  auto entries = Napi::Array::New(env);
  std::uint32_t count = 0;
  errno = 0;
  while (const dirent* entry = readdir(directory.get())) {
    if (std::strcmp(entry->d_name, ".") == 0 || std::strcmp(entry->d_name, "..") == 0) continue;
    auto element = Napi::Object::New(env);
    element.Set("name", Napi::String::New(env, entry->d_name));
    element.Set("type", Napi::String::New(env, EntryType(dirfd(directory.get()), *entry)));
    entries.Set(count++, element);
    errno = 0;
  }
  if (errno != 0) return Throw(env, Failed("getdents64", path));
  return entries;
}

Napi::Value LockDirectory(const Napi::CallbackInfo& info) {
  const Options options(info);
  const std::string path = options.Path("path");
  UniqueFd directory(open(path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (!directory) return Throw(info.Env(), Failed("open", path));
  const int operation = (options.Flag("exclusive") ? LOCK_EX : LOCK_SH) | (options.Flag("wait") ? 0 : LOCK_NB);
  if (RetryOnEintr([&] { return flock(directory.get(), operation); }) == -1) {
    return Throw(info.Env(), Failed("flock", path));
  }
  return Napi::Number::New(info.Env(), directory.release());
}

}  // namespace runtime_ts
