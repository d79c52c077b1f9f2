// The step that writes the id maps of a new user namespace (user_namespaces(7)).
#include <fcntl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <string>
#include <string_view>
#include <vector>

#include "binding/file_content.h"
#include "binding/spawn.h"
#include "steps/host_steps.h"

namespace runtime_ts {
namespace {

struct IdMap {
  const char* file;     // uid_map
  const char* program;  // newuidmap, of shadow: setuid root, checks /etc/subuid
  std::vector<std::string> numbers;
};

IdMap ReadMap(const JsonValue& step, const char* key, const char* file, const char* program) {
  IdMap map{file, program, {}};
  JsonForEach(step, key, [&](const JsonValue& line) {
    for (const JsonValue& number : line.GetArray()) map.numbers.push_back(std::to_string(number.GetUint()));
  });
  return map;
}

Failure WriteDirectly(const IdMap& map, const std::string& process) {
  std::string lines;
  for (std::size_t i = 0; i < map.numbers.size(); i++) lines += map.numbers[i] + (i % 3 == 2 ? "\n" : " ");
  return WriteOnce(process + "/" + map.file, lines);
}

// From the caller's PATH, as runc does (the setuid programs of NixOS are in /run/wrappers); the caller who is not root
// gains nothing by naming another program.
std::string FindProgram(const char* name) {
  const char* path = getenv("PATH");
  std::string_view rest = path == nullptr || *path == '\0' ? "/usr/local/bin:/usr/bin:/bin" : path;
  while (!rest.empty()) {
    const std::string_view directory = rest.substr(0, rest.find(':'));
    rest.remove_prefix(std::min(directory.size() + 1, rest.size()));
    std::string file = std::string(directory) + "/" + name;
    if (directory.starts_with('/') && access(file.c_str(), X_OK) == 0) return file;
  }
  return {};
}

// What the program said, in one line. It has ended, and a pipe holds far more than it can have to say.
std::string Said(int pipe) {
  char text[1024];
  const ssize_t size = RetryOnEintr([&] { return read(pipe, text, sizeof text); });
  std::string said(text, size > 0 ? static_cast<std::size_t>(size) : 0);
  while (!said.empty() && said.back() == '\n') said.pop_back();
  std::replace(said.begin(), said.end(), '\n', ' ');
  return said;
}

Failure RunProgram(const IdMap& map, pid_t pid) {
  const std::string path = FindProgram(map.program);
  if (path.empty()) return {map.program, ENOENT, map.program};
  std::vector<std::string> words{map.program, std::to_string(pid)};
  words.insert(words.end(), map.numbers.begin(), map.numbers.end());
  std::vector<char*> argv;
  argv.reserve(words.size() + 1);
  for (std::string& word : words) argv.push_back(word.data());
  argv.push_back(nullptr);
  char* const envp[] = {nullptr};

  int ends[2];
  if (pipe2(ends, O_CLOEXEC) == -1) return Failed("pipe2");
  const UniqueFd output(ends[0]);
  UniqueFd input(ends[1]);
  SpawnRequest request;
  request.path = path.c_str();
  request.argv = argv.data();
  request.envp = envp;
  request.standard[1] = input.get();
  request.standard[2] = input.get();
  Spawned process;
  if (Failure failure = Spawn(request, &process)) {
    failure.detail = path;
    return failure;
  }
  input.reset();
  int status = 0;
  if (RetryOnEintr([&] { return waitpid(process.pid, &status, 0); }) == -1) return Failed("waitpid", path);
  if (status == 0) return {};
  const std::string said = Said(output.get());
  return {map.program, EPERM, said.empty() ? map.program : said};
}

// The kernel knows best who may write what: root of the parent namespace everything, everybody their own id. Only what
// it refuses is for the setuid programs.
Failure WriteMap(const IdMap& map, const std::string& process, pid_t pid) {
  if (map.numbers.empty()) return {};
  Failure refused = WriteDirectly(map, process);
  if (refused.number != EPERM || geteuid() == 0) return refused;
  return RunProgram(map, pid);
}

}  // namespace

Failure WriteIdMaps(const JsonValue& step, pid_t pid) {
  if (pid <= 0) return {"idmap.write", ESRCH, "no process"};
  const std::string process = "/proc/" + std::to_string(pid);
  // Before the gid map: the kernel lets an unprivileged writer set that only when setgroups is denied (CVE-2014-8989).
  if (JsonBool(step, "denySetgroups")) {
    if (Failure failure = WriteOnce(process + "/setgroups", "deny")) return failure;
  }
  const IdMap gid = ReadMap(step, "gid", "gid_map", "newgidmap");
  if (Failure failure = WriteMap(gid, process, pid)) return failure;
  return WriteMap(ReadMap(step, "uid", "uid_map", "newuidmap"), process, pid);
}

}  // namespace runtime_ts
