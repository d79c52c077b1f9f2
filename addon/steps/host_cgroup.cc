// Steps on cgroupfs.
#include <linux/magic.h>
#include <sys/vfs.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <string>
#include <string_view>
#include <vector>

#include "binding/file_content.h"
#include "binding/make_directory.h"
#include "steps/host_steps.h"

namespace runtime_ts {
namespace {

bool IsBlank(std::string_view text) { return text.find_first_not_of(" \n\t") == std::string_view::npos; }

std::string Parent(const std::string& path) { return path.substr(0, path.rfind('/')); }

// Fills `directory`/`file` from its parents, up to and without `root`, whose value is always set.
Failure InheritFromParents(const std::string& directory, const std::string& root, const std::string& file) {
  std::string own;
  if (Failure failure = ReadWhole(directory + "/" + file, &own)) return failure;
  if (!IsBlank(own) || directory.size() <= root.size()) return {};
  const std::string parent = Parent(directory);
  if (Failure failure = InheritFromParents(parent, root, file)) return failure;
  std::string value;
  if (Failure failure = ReadWhole(parent + "/" + file, &value)) return failure;
  return WriteOnce(directory + "/" + file, value);
}

bool IsUnified(const std::string& directory) {
  struct statfs filesystem {};
  return statfs(directory.c_str(), &filesystem) == 0 && filesystem.f_type == CGROUP2_SUPER_MAGIC;
}

// `memory pids` to `+memory +pids`, without what `enabled` has already.
std::string ToEnable(std::string_view available, const std::string& enabled) {
  std::string change;
  const std::string have = " " + enabled.substr(0, enabled.find('\n')) + " ";
  while (!available.empty()) {
    const std::size_t end = available.find_first_of(" \n");
    const std::string name(available.substr(0, end));
    if (!name.empty() && have.find(" " + name + " ") == std::string::npos) {
      change += (change.empty() ? "+" : " +") + name;
    }
    if (end == std::string_view::npos) break;
    available.remove_prefix(end + 1);
  }
  return change;
}

// Passes all controllers of `directory` on to its children. What can't be passed on (a cgroup with processes of its
// own, a controller that v1 has taken) is not an error here: the limit that needs it will not find its file, and that
// failure names the config value.
void PassOnControllers(const std::string& directory) {
  std::string available;
  std::string enabled;
  const std::string control = directory + "/cgroup.subtree_control";
  if (ReadWhole(directory + "/cgroup.controllers", &available) || ReadWhole(control, &enabled)) return;
  std::string_view change = available = ToEnable(available, enabled);
  if (change.empty() || !WriteOnce(control, change)) return;
  // The kernel takes all or none of one write.
  while (!change.empty()) {
    const std::size_t end = change.find(' ');
    if (WriteOnce(control, change.substr(0, end))) errno = 0;
    if (end == std::string_view::npos) break;
    change.remove_prefix(end + 1);
  }
}

// Parents that steps of this process made, outermost first in each hierarchy.
std::vector<std::string>& MadeParents() {
  static auto* const parents = new std::vector<std::string>;
  return *parents;
}

}  // namespace

Failure RemoveCgroupParents() {
  std::vector<std::string>& parents = MadeParents();
  for (; !parents.empty(); parents.pop_back()) {
    if (rmdir(parents.back().c_str()) == 0) continue;
    // In use by then, which makes it theirs; or gone.
    if (errno != EBUSY && errno != ENOTEMPTY && errno != ENOENT) return Failed("rmdir", parents.back());
  }
  return {};
}

Failure CreateCgroup(const JsonValue& step) {
  const std::string path = JsonString(step, "path", "");
  bool made = false;
  Failure failure;
  // A create that fails beside this one takes back its parents, which may be ours, before we are in them.
  for (int tries = 0; tries < 5; tries++) {
    failure = MakeDirectories(path, 0755, &made, &MadeParents());
    if (failure.number != ENOENT) break;
  }
  if (failure) return failure;
  if (!JsonBool(step, "v2")) return {};
  // From the mount point down: a child is given only what its parent has been given.
  for (std::size_t slash = path.find('/', 1); slash != std::string::npos; slash = path.find('/', slash + 1)) {
    const std::string parent = path.substr(0, slash);
    if (IsUnified(parent)) PassOnControllers(parent);
  }
  return {};
}

Failure WriteCgroup(const JsonValue& step) {
  Failure failure = WriteOnce(JsonString(step, "path", ""), JsonString(step, "value", ""));
  const bool missing = failure.number == ENOENT && std::string_view(failure.syscall) == "open";
  if (!missing) return failure;
  if (const JsonValue* instead = JsonMember(step, "instead"))
    return WriteOnce(JsonString(*instead, "path", ""), JsonString(*instead, "value", ""));
  return JsonBool(step, "optional") ? Failure{} : failure;
}

Failure CheckCgroup(const JsonValue& step) {
  const std::string path = JsonString(step, "path", "");
  std::string value;
  if (Failure failure = ReadWhole(path, &value)) return failure;
  const auto number = [](const char* text) { return std::strtoull(text, nullptr, 10); };
  if (number(value.c_str()) > number(JsonString(step, "atMost", ""))) return {"check", EBUSY, path};
  return {};
}

Failure InheritCgroup(const JsonValue& step) {
  return InheritFromParents(JsonString(step, "path", ""), JsonString(step, "root", ""), JsonString(step, "file", ""));
}

Failure DelegateCgroup(const JsonValue& step) {
  const std::string path = JsonString(step, "path", "");
  const auto uid = static_cast<uid_t>(JsonInteger(step, "uid"));
  std::string files;
  // Since Linux 4.15; sysfs may not be mounted. The list is then the specification's.
  if (ReadWhole("/sys/kernel/cgroup/delegate", &files))
    files = "cgroup.procs\ncgroup.subtree_control\ncgroup.threads\n";
  constexpr auto kSame = static_cast<gid_t>(-1);
  if (chown(path.c_str(), uid, kSame) == -1) return Failed("chown", path);
  for (std::size_t start = 0; start < files.size();) {
    const std::size_t end = std::min(files.find('\n', start), files.size());
    const std::string file = path + "/" + files.substr(start, end - start);
    start = end + 1;
    // The kernel names the files of all controllers, which are not all here.
    if (chown(file.c_str(), uid, kSame) == -1 && errno != ENOENT) return Failed("chown", file);
  }
  return {};
}

}  // namespace runtime_ts
