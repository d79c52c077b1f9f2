// The verb that gives a mount its id mapping.
#include <fcntl.h>
#include <sys/mount.h>

#include "binding/user_namespace.h"
#include "binding/verb.h"
#include "binding/verbs.h"

namespace runtime_ts {

Napi::Value MapMount(const Napi::CallbackInfo& info) {
  const Napi::Env env = info.Env();
  const Options options(info);
  UniqueFd user_namespace;
  const Failure failure = options.Has("uidMap")
                              ? MakeUserNamespace(options.Text("uidMap"), options.Text("gidMap"), &user_namespace)
                              : OpenUserNamespace(options.Integer("pid"), &user_namespace);
  if (failure) return Throw(env, failure);

  mount_attr attributes{};
  attributes.attr_set = MOUNT_ATTR_IDMAP;
  attributes.userns_fd = static_cast<unsigned>(user_namespace.get());
  const unsigned flags = AT_EMPTY_PATH | (options.Flag("recursive") ? AT_RECURSIVE : 0U);
  if (mount_setattr(options.Integer("fd"), "", flags, &attributes, sizeof attributes) == -1)
    return Throw(env, Failed("mount_setattr", "MOUNT_ATTR_IDMAP"));
  return env.Undefined();
}

}  // namespace runtime_ts
