// Verbs for a cgroup with all that is below it. A container that may write to its hierarchy nests cgroups deeper than
// any path reaches (PATH_MAX), so the way goes from descriptor to descriptor, and back up by "..", which is as many
// open descriptors for a deep tree as for a flat one.
#include <dirent.h>
#include <fcntl.h>
#include <unistd.h>

#include <charconv>
#include <cstring>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "binding/file_content.h"
#include "binding/verb.h"
#include "binding/verbs.h"
#include "common/unique_fd.h"

namespace runtime_ts {
namespace {

struct CloseDirectory {
  void operator()(DIR* directory) const { closedir(directory); }
};

UniqueFd OpenDirectory(int parent, const char* name) {
  return UniqueFd(openat(parent, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC));
}

// ENODEV: removed, and still open.
bool IsGone(int number) { return number == ENOENT || number == ENODEV; }

Failure Children(int cgroup, std::vector<std::string>* names) {
  UniqueFd fd = OpenDirectory(cgroup, ".");
  if (!fd) return IsGone(errno) ? Failure{} : Failed("openat", "cgroup");
  const std::unique_ptr<DIR, CloseDirectory> directory(fdopendir(fd.get()));
  if (!directory) return Failed("fdopendir", "cgroup");
  static_cast<void>(fd.release());
  errno = 0;
  while (const dirent* entry = readdir(directory.get())) {
    // cgroupfs fills in d_type.
    if (entry->d_type == DT_DIR && std::strcmp(entry->d_name, ".") != 0 && std::strcmp(entry->d_name, "..") != 0) {
      names->emplace_back(entry->d_name);
    }
    errno = 0;
  }
  return errno == 0 || IsGone(errno) ? Failure{} : Failed("getdents64", "cgroup");
}

struct Level {
  std::string name;
  std::vector<std::string> children;
  std::size_t next = 0;
};

// `enter` is called with each cgroup, the outermost first; `leave` with the parent and the name of each but that one,
// when all below it have been left. What is not there (any more) is passed over.
struct Visitor {
  std::function<Failure(int cgroup)> enter = [](int) { return Failure{}; };
  std::function<Failure(int parent, const char* name)> leave = [](int, const char*) { return Failure{}; };
};

Failure Enter(int cgroup, std::string name, const Visitor& visitor, std::vector<Level>* levels) {
  if (Failure failure = visitor.enter(cgroup)) return failure;
  levels->push_back({std::move(name), {}});
  return Children(cgroup, &levels->back().children);
}

Failure Walk(const std::string& path, const Visitor& visitor) {
  UniqueFd at = OpenDirectory(AT_FDCWD, path.c_str());
  // ENOTDIR: a path that leads through a control file was never a cgroup's.
  if (!at) return IsGone(errno) || errno == ENOTDIR ? Failure{} : Failed("open", path);
  std::vector<Level> levels;
  if (Failure failure = Enter(at.get(), {}, visitor, &levels)) return failure;
  for (;;) {
    Level& level = levels.back();
    if (level.next < level.children.size()) {
      std::string name = level.children[level.next++];
      UniqueFd child = OpenDirectory(at.get(), name.c_str());
      if (!child && IsGone(errno)) continue;
      if (!child) return Failed("openat", path);
      at = std::move(child);
      if (Failure failure = Enter(at.get(), std::move(name), visitor, &levels)) return failure;
      continue;
    }
    const std::string name = std::move(level.name);
    levels.pop_back();
    if (levels.empty()) return {};
    UniqueFd parent = OpenDirectory(at.get(), "..");
    if (!parent) return Failed("openat", path);
    at = std::move(parent);
    if (Failure failure = visitor.leave(at.get(), name.c_str())) return failure;
  }
}

Failure ReadProcesses(int cgroup, std::vector<int>* pids) {
  const UniqueFd file(openat(cgroup, "cgroup.procs", O_RDONLY | O_CLOEXEC));
  if (!file) return IsGone(errno) ? Failure{} : Failed("openat", "cgroup.procs");
  std::string text;
  if (Failure failure = ReadToEnd(file.get(), "cgroup.procs", &text)) {
    // A threaded cgroup of v2 has no list of its own: its domain ancestor has it.
    return IsGone(failure.number) || failure.number == EOPNOTSUPP ? Failure{} : failure;
  }
  const char* end = text.data() + text.size();
  for (const char* start = text.data(); start < end; start++) {
    int pid = 0;
    const auto [after, error] = std::from_chars(start, end, pid);
    if (error == std::errc{}) pids->push_back(pid);
    start = after;
  }
  return {};
}

// EBUSY: it has processes. ENOTEMPTY: another one was made in it meanwhile.
Failure RemoveOne(int parent, const char* name, bool* busy) {
  if (unlinkat(parent, name, AT_REMOVEDIR) == 0 || IsGone(errno)) return {};
  if (errno != EBUSY && errno != ENOTEMPTY) return Failed("rmdir", name);
  *busy = true;
  return {};
}

}  // namespace

Napi::Value CgroupProcesses(const Napi::CallbackInfo& info) {
  const Napi::Env env = info.Env();
  std::vector<int> pids;
  Visitor visitor;
  visitor.enter = [&](int cgroup) { return ReadProcesses(cgroup, &pids); };
  if (const Failure failure = Walk(Options(info).Path("path"), visitor)) return Throw(env, failure);
  auto result = Napi::Array::New(env, pids.size());
  for (std::size_t i = 0; i < pids.size(); i++)
    result.Set(static_cast<std::uint32_t>(i), Napi::Number::New(env, pids[i]));
  return result;
}

Napi::Value RemoveCgroupTree(const Napi::CallbackInfo& info) {
  const std::string path = Options(info).Path("path");
  bool busy = false;
  Visitor visitor;
  visitor.leave = [&](int parent, const char* name) { return RemoveOne(parent, name, &busy); };
  if (const Failure failure = Walk(path, visitor)) return Throw(info.Env(), failure);
  if (busy) return Napi::Boolean::New(info.Env(), false);
  if (const Failure failure = RemoveOne(AT_FDCWD, path.c_str(), &busy)) {
    if (failure.number != ENOTDIR) return Throw(info.Env(), failure);
  }
  return Napi::Boolean::New(info.Env(), !busy);
}

}  // namespace runtime_ts
