#include "steps/long_options.h"

#include <fcntl.h>
#include <sys/mount.h>
#include <unistd.h>

#include <cstdio>

#include "steps/attributes.h"

#ifndef MS_NOSYMFOLLOW
#define MS_NOSYMFOLLOW 256  // Linux 5.10
#endif

namespace runtime_ts {
namespace {

// What strndup_user() in the kernel's fsconfig leaves of its 256 bytes.
constexpr std::size_t kMostForFsconfig = 255;

struct Flag {
  std::uint64_t attribute;
  unsigned long mount;
};

constexpr Flag kAttributes[] = {
    {MOUNT_ATTR_RDONLY, MS_RDONLY},         {MOUNT_ATTR_NOSUID, MS_NOSUID},
    {MOUNT_ATTR_NODEV, MS_NODEV},           {MOUNT_ATTR_NOEXEC, MS_NOEXEC},
    {MOUNT_ATTR_NODIRATIME, MS_NODIRATIME}, {MOUNT_ATTR_NOSYMFOLLOW, MS_NOSYMFOLLOW},
    {MOUNT_ATTR_NOATIME, MS_NOATIME},       {MOUNT_ATTR_STRICTATIME, MS_STRICTATIME},
};

unsigned long SuperblockFlag(std::string_view word) {
  if (word == "ro") return MS_RDONLY;
  if (word == "sync") return MS_SYNCHRONOUS;
  if (word == "dirsync") return MS_DIRSYNC;
  if (word == "lazytime") return MS_LAZYTIME;
  if (word == "mand") return MS_MANDLOCK;
  return 0;
}

// "flag,key=value,...", as mount(2) takes it. False when a page does not hold it.
bool Join(const JsonValue& step, char* into, std::size_t size) {
  std::size_t length = 0;
  into[0] = '\0';
  JsonForEach(step, "options", [&](const JsonValue& option) {
    const bool pair = option.IsArray() && option.Size() == 2;
    const std::string_view key = JsonText(pair ? option[0] : option);
    const std::string_view value = pair ? JsonText(option[1]) : std::string_view();
    if (length >= size) return;
    // SELinux's labels have commas in them, and this is how it takes them here (fsconfig takes them bare).
    const char* quote = key == "context" ? "\"" : "";
    length += static_cast<std::size_t>(
        snprintf(into + length, size - length, "%s%.*s%s%s%.*s%s", length == 0 ? "" : ",", static_cast<int>(key.size()),
                 key.data(), pair ? "=" : "", quote, static_cast<int>(value.size()), value.data(), quote));
  });
  return length < size;
}

}  // namespace

bool HasLongOption(const JsonValue& step) {
  bool found = false;
  JsonForEach(step, "options", [&](const JsonValue& option) {
    found = found || (option.IsArray() && option.Size() == 2 && JsonText(option[1]).size() > kMostForFsconfig);
  });
  return found;
}

Status MountWithLongOptions(const JsonValue& step, int target) {
  const char* type = JsonString(step, "type", "");
  const char* destination = JsonString(step, "destination", "");
  char options[4096];
  if (!Join(step, options, sizeof options)) return Status::Make("mount", E2BIG, "options longer than a page");

  mount_attr attributes{};
  if (!ParseAttributes(JsonMember(step, "attributes"), &attributes)) return Status::Make("plan", EINVAL, destination);
  unsigned long flags = 0;
  for (const Flag& flag : kAttributes) {
    if ((attributes.attr_set & flag.attribute) != 0) flags |= flag.mount;
  }
  JsonForEach(step, "superblock", [&](const JsonValue& word) { flags |= SuperblockFlag(JsonText(word)); });

  // mount(2) knows no descriptors, but a working directory is as good as one: "." is not looked up.
  // host path: the working directory to come back to
  const UniqueFd before(open(".", O_PATH | O_DIRECTORY | O_CLOEXEC));
  if (!before || fchdir(target) < 0) return Status::Errno("fchdir", destination);
  // host path: the target, as the working directory
  if (mount(JsonString(step, "source", ""), ".", type, flags, options) < 0) return Status::Errno("mount", destination);
  return fchdir(before.get()) < 0 ? Status::Errno("fchdir", destination) : Status::Ok();
}

}  // namespace runtime_ts
