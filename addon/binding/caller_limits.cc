// Node and bun raise the soft limit of RLIMIT_NOFILE to the hard one before the first line of JavaScript (strace shows
// both do, with no switch against it), and the addon is loaded after that. A container that inherited the raised limit
// would differ from one that runc or crun starts: programs that loop over all descriptors or use select(2) notice.
// The kernel keeps no trace of the first value, so it is taken from the parent, from whom limits are inherited. That is
// wrong for a parent that gave its child a limit unlike its own: with a different hard limit we see it and leave all
// as it is; with a lower soft limit only (Go programs raise their own and give their children the original) the
// container gets the parent's, never more than the hard limit that it may raise itself to anyway.
#include "binding/caller_limits.h"

#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <string>

#include "binding/file_content.h"

namespace runtime_ts {
namespace {

rlim_t ParseLimit(const char* text) {
  return std::strcmp(text, "unlimited") == 0 ? RLIM_INFINITY : std::strtoull(text, nullptr, 10);
}

bool LimitOf(pid_t pid, rlimit* limit) {
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

bool CallerOpenFilesLimit(rlimit* limit) {
  rlimit now{};
  if (getrlimit(RLIMIT_NOFILE, &now) == -1 || now.rlim_cur != now.rlim_max) return false;
  return LimitOf(getppid(), limit) && limit->rlim_max == now.rlim_max && limit->rlim_cur < now.rlim_cur;
}

}  // namespace runtime_ts
