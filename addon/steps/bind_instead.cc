#include "steps/bind_instead.h"

#include <fcntl.h>
#include <sys/mount.h>

#include "steps/attributes.h"
#include "steps/target.h"

namespace runtime_ts {

Status BindInstead(Context& context, const JsonValue& step, const char* source) {
  const char* destination = JsonString(step, "destination", "");
  // host path: from the plan's own table, before the root changes
  UniqueFd mount(open_tree(AT_FDCWD, source, OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC | AT_RECURSIVE));
  if (!mount) return Status::Errno("open_tree", source);
  mount_attr attributes{};
  if (!ParseAttributes(JsonMember(step, "attributes"), &attributes)) return Status::Make("plan", EINVAL, destination);
  RETURN_IF_FAILED(ApplyAttributes(mount.get(), attributes, true, destination));
  RETURN_IF_FAILED(ApplyRecursiveAttributes(mount.get(), step, destination));

  UniqueFd target;
  bool existed = false;
  if (JsonBool(step, "ordinary")) {
    RETURN_IF_FAILED(OpenOrdinaryDirectory(context, destination, &target));
  } else {
    RETURN_IF_FAILED(OpenTargetDirectory(context, destination, &target, &existed));
  }
  RETURN_IF_FAILED(MoveMount(context, mount, target.get(), destination));
  return ApplyPropagation(mount.get(), step, destination);
}

}  // namespace runtime_ts
