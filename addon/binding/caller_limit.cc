// The verb that takes back what Node did to RLIMIT_NOFILE.
//
// Node raises the soft limit to the hard one before the first line of JavaScript (strace shows it; only programs that
// embed Node have a switch against it), and the addon is loaded after that. A container that inherited the raised
// limit would differ from one that runc or crun starts: programs that loop over all descriptors or use select(2)
// notice. bun does the same, but not in the standalone binary: see addon/standalone/detach.ts.
//
// The kernel keeps no trace of the first value, so it is taken from the parent, from whom limits are inherited. That is
// wrong for a parent that gave its child a limit unlike its own. With a different hard limit we see it and leave all
// as it is; with another soft limit only (`sh -c 'ulimit -Sn 512; exec runtime-ts ...'`, or a Go program, which raises
// its own and gives its children the original) the container gets the parent's, never more than the hard limit that it
// may raise itself to anyway.
#include <sys/resource.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <string>

#include "binding/file_content.h"
#include "binding/verb.h"
#include "binding/verbs.h"

namespace runtime_ts {
namespace {

rlim_t ParseLimit(const char* text) {
  return std::strcmp(text, "unlimited") == 0 ? RLIM_INFINITY : std::strtoull(text, nullptr, 10);
}

bool OpenFilesLimitOf(pid_t pid, rlimit* limit) {
  std::string table;
  if (ReadWhole("/proc/" + std::to_string(pid) + "/limits", &table)) return false;
  const std::size_t line = table.find("Max open files");
  if (line == std::string::npos) return false;
  char soft[32];
  char hard[32];
  if (std::sscanf(table.c_str() + line, "Max open files %31s %31s", soft, hard) != 2) return false;
  limit->rlim_cur = ParseLimit(soft);
  limit->rlim_max = ParseLimit(hard);
  return true;
}

}  // namespace

Napi::Value RestoreOpenFilesLimit(const Napi::CallbackInfo& info) {
  rlimit now{};
  rlimit parents{};
  if (getrlimit(RLIMIT_NOFILE, &now) == 0 && now.rlim_cur == now.rlim_max && OpenFilesLimitOf(getppid(), &parents) &&
      parents.rlim_max == now.rlim_max && parents.rlim_cur < now.rlim_cur) {
    setrlimit(RLIMIT_NOFILE, &parents);  // lowering a soft limit is always allowed
  }
  return info.Env().Undefined();
}

}  // namespace runtime_ts
