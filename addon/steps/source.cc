#include "steps/source.h"

#include <fcntl.h>
#include <sys/mount.h>

#include <cstdio>

namespace runtime_ts {

// Has the engine open it: the container's root may not search what only the host's root may
// (0700 directories on the way, as engines keep volumes), and this process is the container's root. It is opened in our
// mount namespace: a mount of the host's own could not be cloned here (EINVAL), and ours has the host's flags locked.
Status AskForSource(Context& context, UniqueFd* opened) {
  char index[16];
  const int length = snprintf(index, sizeof index, "%u", context.index);
  RETURN_IF_FAILED(context.channel.Send(Frame::kOpenSource, {index, static_cast<std::size_t>(length)}));
  Message answer;
  RETURN_IF_FAILED(context.channel.Receive(Frame::kSource, &answer));
  if (answer.fd_count != 1) return Status::Make("recvmsg", EPROTO, "no source from the engine");
  *opened = std::move(answer.fds[0]);
  return Status::Ok();
}

Status CloneHostTree(Context& context, const char* path, unsigned flags, UniqueFd* mount) {
  flags |= OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC;
  // host path: before the root changes
  *mount = UniqueFd(open_tree(AT_FDCWD, path, flags));
  if (*mount) return Status::Ok();
  if (errno != EACCES || !context.in_user_namespace) return Status::Errno("open_tree", path);
  UniqueFd opened;
  RETURN_IF_FAILED(AskForSource(context, &opened));
  *mount = UniqueFd(open_tree(opened.get(), "", flags | AT_EMPTY_PATH));
  return *mount ? Status::Ok() : Status::Errno("open_tree", path);
}

}  // namespace runtime_ts
