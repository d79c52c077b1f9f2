#include "steps/opener.h"

#include <fcntl.h>
#include <sched.h>
#include <sys/mount.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cstring>
#include <utility>

namespace runtime_ts {
namespace {

// The rights of the caller go along where it is root (capabilities hold in the user namespaces below its own). An
// ordinary user has none but in the new namespace; the files of the user can be reached all the same, since entering
// changes no id.
bool Enter(int mount_namespace, int user_namespace) {
  if (setns(mount_namespace, CLONE_NEWNS) == 0) return true;
  return errno == EPERM && setns(user_namespace, CLONE_NEWUSER) == 0 && setns(mount_namespace, CLONE_NEWNS) == 0;
}

UniqueFd Ask(const Context& context, const char* path) {
  if (!context.opener) {
    errno = EACCES;
    return UniqueFd();
  }
  // host path: our own entry in the host's /proc, before the root changes
  const UniqueFd mount_namespace(open("/proc/self/ns/mnt", O_RDONLY | O_CLOEXEC));
  // host path: likewise
  const UniqueFd user_namespace(open("/proc/self/ns/user", O_RDONLY | O_CLOEXEC));
  const int namespaces[] = {mount_namespace.get(), user_namespace.get()};
  Message answer;
  if (!mount_namespace || !user_namespace || !WriteFrame(context.opener.get(), Frame::kHostPath, path, namespaces, 2) ||
      ReadFrame(context.opener.get(), &answer) != ReadResult::kFrame || answer.kind != Frame::kHostPathDone) {
    // No /proc, or the opener is gone: then it stays refused.
    errno = EACCES;
    return UniqueFd();
  }
  if (answer.fd_count == 1) return std::move(answer.fds[0]);
  int error = EACCES;
  if (answer.payload.size() == sizeof error) memcpy(&error, answer.payload.data(), sizeof error);
  errno = error;
  return UniqueFd();
}

}  // namespace

Status MakeOpener(UniqueFd* asking, UniqueFd* serving) {
  int ends[2];
  if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) < 0) return Status::Errno("socketpair");
  *asking = UniqueFd(ends[0]);
  *serving = UniqueFd(ends[1]);
  return Status::Ok();
}

void ServeOpener(UniqueFd serving) {
  const auto own = static_cast<unsigned>(serving.get());
  // The engine's channel and the caller's streams among them: others wait for their end.
  if (own > 0) close_range(0, own - 1, 0);
  close_range(own + 1, ~0U, 0);
  bool entered = false;
  Message request;
  while (ReadFrame(serving.get(), &request) == ReadResult::kFrame) {
    if (request.kind != Frame::kHostPath || request.fd_count != 2) break;
    entered = entered || Enter(request.fds[0].get(), request.fds[1].get());
    // host path: from config.json, in the container's copy of the host's mounts
    const UniqueFd found(entered ? open(request.payload.data(), O_PATH | O_CLOEXEC) : -1);
    const int error = errno;
    const int fd = found.get();
    const std::string_view reason(reinterpret_cast<const char*>(&error), sizeof error);
    if (!WriteFrame(serving.get(), Frame::kHostPathDone, reason, &fd, found ? 1 : 0)) break;
  }
  _exit(0);
}

UniqueFd OpenHostPath(const Context& context, const char* path, int flags) {
  // host path: before the root changes
  UniqueFd found(open(path, flags | O_PATH | O_CLOEXEC));
  return !found && errno == EACCES ? Ask(context, path) : std::move(found);
}

UniqueFd CloneHostTree(const Context& context, const char* path, unsigned flags) {
  flags |= OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC;
  // host path: before the root changes
  UniqueFd mount(open_tree(AT_FDCWD, path, flags));
  if (mount || errno != EACCES) return mount;
  const UniqueFd source = Ask(context, path);
  return source ? UniqueFd(open_tree(source.get(), "", flags | AT_EMPTY_PATH)) : UniqueFd();
}

}  // namespace runtime_ts
