// mount.filesystem: a new mount of a file system type.
#include "steps/filesystem.h"

#include <fcntl.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <unistd.h>

#include <cstdio>
#include <cstring>

#include "steps/attributes.h"
#include "steps/bind_instead.h"
#include "steps/copy_up.h"
#include "steps/long_options.h"
#include "steps/mount_idmap.h"
#include "steps/steps.h"
#include "steps/target.h"

namespace runtime_ts {
namespace {

// The kernel says in the log of the file system context what it did not like ("e tmpfs: Bad value for 'size'"); errno
// alone is EINVAL for everything. Falls back to what we know.
Status ContextFailure(int context, const char* syscall, const char* fallback) {
  const int error = errno;
  char line[512];
  // Each read gives one message; an error is more telling than a warning before it, the first error than the next.
  for (;;) {
    const ssize_t size = read(context, line, sizeof line);
    if (size <= 2) break;
    if (line[0] != 'e') continue;
    std::string_view text(line + 2, static_cast<std::size_t>(size) - 2);
    while (text.ends_with('\n')) text.remove_suffix(1);
    return Status::Make(syscall, error, text);
  }
  return Status::Make(syscall, error, fallback);
}

bool HasOption(const JsonValue& step, std::string_view key) {
  bool found = false;
  JsonForEach(step, "options", [&](const JsonValue& option) {
    found = found || (option.IsArray() && option.Size() == 2 && JsonText(option[0]) == key);
  });
  return found;
}

// A tmpfs over an existing directory keeps the directory's mode, unless the options give one: engines count on runc
// doing so (`docker run --tmpfs /tmp` is 1777 because the image's /tmp is).
Status InheritMode(int context, int target) {
  struct stat attributes {};
  if (fstat(target, &attributes) < 0) return Status::Errno("fstat", "tmpfs");
  char mode[8];
  snprintf(mode, sizeof mode, "%04o", attributes.st_mode & 07777);
  if (fsconfig(context, FSCONFIG_SET_STRING, "mode", mode, 0) < 0) return ContextFailure(context, "fsconfig", "mode");
  return Status::Ok();
}

// For a file system that takes labels but no context= option.
Status Label(int mount, const char* label) {
  const UniqueFd root(openat(mount, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (!root || fsetxattr(root.get(), "security.selinux", label, strlen(label), 0) < 0)
    return Status::Errno("fsetxattr", label);
  return Status::Ok();
}

Status SetOption(int context, const JsonValue& option) {
  if (option.IsString()) {
    if (fsconfig(context, FSCONFIG_SET_FLAG, option.GetString(), nullptr, 0) < 0)
      return ContextFailure(context, "fsconfig", option.GetString());
    return Status::Ok();
  }
  if (!option.IsArray() || option.Size() != 2 || !option[0].IsString() || !option[1].IsString())
    return Status::Make("plan", EPROTO, "option");
  if (fsconfig(context, FSCONFIG_SET_STRING, option[0].GetString(), option[1].GetString(), 0) < 0) {
    char text[300];
    snprintf(text, sizeof text, "%s=%s", option[0].GetString(), option[1].GetString());
    return ContextFailure(context, "fsconfig", text);
  }
  return Status::Ok();
}

}  // namespace

Status SetFilesystemOptions(int context, const JsonValue& step, const char* key) {
  const JsonValue* options = JsonMember(step, key);
  if (options == nullptr || !options->IsArray()) return Status::Ok();
  for (const JsonValue& option : options->GetArray()) RETURN_IF_FAILED(SetOption(context, option));
  return Status::Ok();
}

Status CommandFilesystem(int context, int command, const char* what) {
  if (fsconfig(context, static_cast<fsconfig_command>(command), nullptr, nullptr, 0) < 0)
    return ContextFailure(context, "fsconfig", what);
  return Status::Ok();
}

namespace {

Status MountNew(Context& context, const JsonValue& step) {
  const char* type = JsonString(step, "type", "");
  const char* source = JsonString(step, "source", "");
  const char* destination = JsonString(step, "destination", "");

  UniqueFd target;
  bool existed = true;
  if (JsonBool(step, "ordinary")) {
    RETURN_IF_FAILED(OpenOrdinaryDirectory(context, destination, &target));
  } else {
    RETURN_IF_FAILED(OpenTargetDirectory(context, destination, &target, &existed));
  }
  const bool copy_up = JsonBool(step, "copyUp") && existed;
  if (HasLongOption(step)) {
    // mount(2) attaches at once, and what was attached can't be mapped any more.
    if (JsonMember(step, "idmap") != nullptr) return Status::Make("mount", EINVAL, "an option is too long for idmap");
    UniqueFd root;
    RETURN_IF_FAILED(MountWithLongOptions(step, target.get()));
    RETURN_IF_FAILED(OpenMountRoot(context, destination, &root));
    RETURN_IF_FAILED(ApplyRecursiveAttributes(root.get(), step, destination));
    return ApplyPropagation(root.get(), step, destination);
  }

  const UniqueFd filesystem(fsopen(type, FSOPEN_CLOEXEC));
  if (!filesystem) return Status::Errno("fsopen", type);
  if (fsconfig(filesystem.get(), FSCONFIG_SET_STRING, "source", source, 0) < 0)
    return ContextFailure(filesystem.get(), "fsconfig", source);
  if (existed && strcmp(type, "tmpfs") == 0 && !HasOption(step, "mode"))
    RETURN_IF_FAILED(InheritMode(filesystem.get(), target.get()));
  RETURN_IF_FAILED(SetFilesystemOptions(filesystem.get(), step, "options"));
  if (!copy_up) RETURN_IF_FAILED(SetFilesystemOptions(filesystem.get(), step, "superblock"));
  RETURN_IF_FAILED(CommandFilesystem(filesystem.get(), FSCONFIG_CMD_CREATE, type));

  mount_attr attributes{};
  if (!ParseAttributes(JsonMember(step, "attributes"), &attributes)) return Status::Make("plan", EINVAL, destination);
  UniqueFd mount;
  if (copy_up) {
    // What is read-only can't be filled: all that may say so comes after the copy, before anybody can see the mount.
    mount = UniqueFd(fsmount(filesystem.get(), FSMOUNT_CLOEXEC, MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV));
    if (!mount) return ContextFailure(filesystem.get(), "fsmount", type);
    RETURN_IF_FAILED(CopyUp(target.get(), mount.get(), destination));
    attributes.attr_clr |= MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV;
    RETURN_IF_FAILED(ApplyAttributes(mount.get(), attributes, false, destination));
    RETURN_IF_FAILED(SetFilesystemOptions(filesystem.get(), step, "superblock"));
    RETURN_IF_FAILED(CommandFilesystem(filesystem.get(), FSCONFIG_CMD_RECONFIGURE, type));
  } else {
    mount = UniqueFd(fsmount(filesystem.get(), FSMOUNT_CLOEXEC, static_cast<unsigned>(attributes.attr_set)));
    if (!mount) return ContextFailure(filesystem.get(), "fsmount", type);
  }
  if (const char* label = JsonString(step, "rootLabel"); label != nullptr) RETURN_IF_FAILED(Label(mount.get(), label));
  // After the copy: what was copied keeps the image's ids in the file system, as a bind would.
  RETURN_IF_FAILED(MapMountIds(context, step, mount.get()));
  RETURN_IF_FAILED(ApplyRecursiveAttributes(mount.get(), step, destination));
  RETURN_IF_FAILED(MoveMount(context, mount, target.get(), destination));
  return ApplyPropagation(mount.get(), step, destination);
}

}  // namespace

Status steps::MountFilesystem(Context& context, const JsonValue& step) {
  Status mounted = MountNew(context, step);
  if (mounted.ok() || Status::last().error != EPERM) return mounted;
  const char* source = JsonString(step, "ifForbidden");
  return source == nullptr ? mounted : BindInstead(context, step, source);
}

}  // namespace runtime_ts
