// The step that writes the id maps of a new user namespace (user_namespaces(7)).
#include <sys/wait.h>
#include <unistd.h>

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
  std::uint32_t own;    // our effective id
  std::vector<std::string> numbers;
};

IdMap ReadMap(const JsonValue& step, const char* key, const char* file, const char* program, std::uint32_t own) {
  IdMap map{file, program, own, {}};
  JsonForEach(step, key, [&](const JsonValue& line) {
    for (const JsonValue& number : line.GetArray()) map.numbers.push_back(std::to_string(number.GetUint()));
  });
  return map;
}

// What the kernel lets anyone write: one line that maps just the writer's own id.
bool IsOwnIdOnly(const IdMap& map) {
  return map.numbers.size() == 3 && map.numbers[1] == std::to_string(map.own) && map.numbers[2] == "1";
}

Failure WriteDirectly(const IdMap& map, const std::string& process) {
  std::string lines;
  for (std::size_t i = 0; i < map.numbers.size(); i++) lines += map.numbers[i] + (i % 3 == 2 ? "\n" : " ");
  return WriteOnce(process + "/" + map.file, lines);
}

Failure RunProgram(const IdMap& map, pid_t pid) {
  std::vector<std::string> words{map.program, std::to_string(pid)};
  words.insert(words.end(), map.numbers.begin(), map.numbers.end());
  std::vector<char*> argv;
  argv.reserve(words.size() + 1);
  for (std::string& word : words) argv.push_back(word.data());
  argv.push_back(nullptr);
  char* const envp[] = {nullptr};

  Failure failure;
  for (const char* directory : {"/usr/bin/", "/usr/local/bin/", "/bin/"}) {
    const std::string path = std::string(directory) + map.program;
    SpawnRequest request;
    request.path = path.c_str();
    request.argv = argv.data();
    request.envp = envp;
    Spawned process;
    failure = Spawn(request, &process);
    if (failure.number == ENOENT) continue;
    if (failure) break;
    int status = 0;
    if (RetryOnEintr([&] { return waitpid(process.pid, &status, 0); }) == -1) return Failed("waitpid", path);
    // It has said on stderr what it did not like.
    return status == 0 ? Failure{} : Failure{map.program, EPERM, "(see /etc/subuid and /etc/subgid)"};
  }
  failure.detail = map.program;
  return failure;
}

Failure WriteMap(const IdMap& map, const std::string& process, pid_t pid) {
  if (map.numbers.empty()) return {};
  if (geteuid() == 0 || IsOwnIdOnly(map)) return WriteDirectly(map, process);
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
  const IdMap gid = ReadMap(step, "gid", "gid_map", "newgidmap", getegid());
  if (Failure failure = WriteMap(gid, process, pid)) return failure;
  return WriteMap(ReadMap(step, "uid", "uid_map", "newuidmap", geteuid()), process, pid);
}

}  // namespace runtime_ts
