// mount.remount, mount.propagation: changes of mounts that are there.
#include <sys/mount.h>

#include "steps/attributes.h"
#include "steps/filesystem.h"
#include "steps/steps.h"
#include "steps/target.h"

namespace runtime_ts {

Status steps::Remount(Context& context, const JsonValue& step) {
  const char* destination = JsonString(step, "destination", "");
  UniqueFd root;
  RETURN_IF_FAILED(OpenMountRoot(context, destination, &root));

  if (!JsonBool(step, "bind")) {
    const UniqueFd filesystem(fspick(root.get(), "", FSPICK_EMPTY_PATH | FSPICK_CLOEXEC));
    if (!filesystem) return Status::Errno("fspick", destination);
    RETURN_IF_FAILED(SetFilesystemOptions(filesystem.get(), step, "options"));
    RETURN_IF_FAILED(SetFilesystemOptions(filesystem.get(), step, "superblock"));
    RETURN_IF_FAILED(CommandFilesystem(filesystem.get(), FSCONFIG_CMD_RECONFIGURE, destination));
  }
  mount_attr attributes{};
  if (!ParseAttributes(JsonMember(step, "attributes"), &attributes)) return Status::Make("plan", EINVAL, destination);
  RETURN_IF_FAILED(ApplyAttributes(root.get(), attributes, false, destination));
  RETURN_IF_FAILED(ApplyRecursiveAttributes(root.get(), step, destination));
  return ApplyPropagation(root.get(), step, destination);
}

Status steps::SetPropagation(Context& context, const JsonValue& step) {
  const char* destination = JsonString(step, "destination", "");
  UniqueFd root;
  RETURN_IF_FAILED(OpenMountRoot(context, destination, &root));
  return ApplyPropagation(root.get(), step, destination);
}

}  // namespace runtime_ts
