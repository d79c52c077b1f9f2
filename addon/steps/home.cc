// process.home.
#include <fcntl.h>
#include <linux/openat2.h>
#include <sys/stat.h>
#include <unistd.h>

#include <climits>
#include <cstdio>
#include <cstring>

#include "steps/steps.h"

namespace runtime_ts {
namespace {

constexpr std::size_t kMaxLine = 1024;
// A file without blocks can be of any size (truncate(2)), and whoever waits for `exec` would wait as long as that
// takes.
constexpr std::size_t kMostBytes = std::size_t{16} << 20;

// Numeric as a whole, so that a user *named* 1000 is not user 1000 (CVE-2016-3697).
bool IsUid(const char* text, std::size_t length, uid_t uid) {
  std::uint64_t value = 0;
  if (length == 0 || length > 10) return false;
  for (std::size_t i = 0; i < length; i++) {
    if (text[i] < '0' || text[i] > '9') return false;
    value = value * 10 + static_cast<std::uint64_t>(text[i] - '0');
  }
  return value == uid;
}

// The sixth of the seven fields of name:password:uid:gid:comment:home:shell, when the third is `uid`.
bool HomeOf(const char* line, uid_t uid, char (&home)[PATH_MAX]) {
  const char* field = line;
  for (int index = 0; field != nullptr; index++) {
    const std::size_t length = strcspn(field, ":");
    if (index == 2 && !IsUid(field, length, uid)) return false;
    if (index == 5)
      return length > 0 && snprintf(home, sizeof home, "%.*s", static_cast<int>(length), field) < PATH_MAX;
    field = field[length] == ':' ? field + length + 1 : nullptr;
  }
  return false;
}

// Reads a file that the image may have made anything of: a regular file or nothing, lines too long to be true skipped.
bool FindHome(const Rootfs& rootfs, uid_t uid, char (&home)[PATH_MAX]) {
  const UniqueFd file =
      OpenAt2(rootfs.fd(), "etc/passwd", O_RDONLY | O_NONBLOCK | O_NOCTTY, RESOLVE_IN_ROOT | RESOLVE_NO_MAGICLINKS);
  struct stat attributes {};
  if (!file || fstat(file.get(), &attributes) < 0 || !S_ISREG(attributes.st_mode)) return false;

  char line[kMaxLine];
  std::size_t used = 0;
  bool skipping = false;
  char chunk[1024];
  std::size_t total = 0;
  for (ssize_t got = 0; total < kMostBytes && (got = read(file.get(), chunk, sizeof chunk)) > 0;) {
    total += static_cast<std::size_t>(got);
    for (ssize_t i = 0; i < got; i++) {
      if (chunk[i] != '\n') {
        skipping = skipping || used + 1 == sizeof line;
        if (!skipping) line[used++] = chunk[i];
        continue;
      }
      line[used] = '\0';
      if (!skipping && HomeOf(line, uid, home)) return true;
      used = 0;
      skipping = false;
    }
  }
  if (total >= kMostBytes) return false;
  line[used] = '\0';
  return !skipping && HomeOf(line, uid, home);
}

}  // namespace

Status steps::FindHomeDirectory(Context& context, const JsonValue& step) {
  char home[PATH_MAX];
  if (!FindHome(context.rootfs, static_cast<uid_t>(JsonInteger(step, "uid")), home)) memcpy(home, "/", 2);
  constexpr std::string_view kName = "HOME=";
  const std::size_t length = strlen(home);
  if (!context.home.Allocate(kName.size() + length)) return Status::Errno("malloc", "HOME");
  memcpy(context.home.data(), kName.data(), kName.size());
  memcpy(context.home.data() + kName.size(), home, length);
  return Status::Ok();
}

}  // namespace runtime_ts
