// Verbs for what the kernel announces of a cgroup, and for waiting on several such things at once.
#include <fcntl.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <sys/inotify.h>
#include <unistd.h>

#include <algorithm>
#include <cstring>
#include <vector>

#include "binding/file_content.h"
#include "binding/verb.h"
#include "binding/verbs.h"
#include "binding/wait.h"
#include "common/unique_fd.h"

namespace runtime_ts {
namespace {

std::vector<int> Integers(const Napi::Value& value) {
  std::vector<int> numbers;
  if (!value.IsArray()) return numbers;
  const auto array = value.As<Napi::Array>();
  for (std::uint32_t i = 0; i < array.Length(); i++) numbers.push_back(array.Get(i).ToNumber().Int32Value());
  return numbers;
}

// Takes what has come, so that the next wait is for what comes then: how often an eventfd was signalled, 1 for inotify.
// Both kinds of descriptor are non-blocking.
double Take(int fd) {
  double times = 0;
  for (;;) {
    alignas(std::uint64_t) char taken[4096];
    const ssize_t got = RetryOnEintr([&] { return read(fd, taken, sizeof taken); });
    if (got <= 0) return std::max(times, 1.0);
    // Records of inotify have 16 bytes at least.
    std::uint64_t counted = 0;
    if (got == sizeof counted) std::memcpy(&counted, taken, sizeof counted);
    times += static_cast<double>(counted);
  }
}

}  // namespace

// kernfs tells inotify (IN_MODIFY) of each change of cgroup.events and memory.events.
Napi::Value WatchFiles(const Napi::CallbackInfo& info) {
  UniqueFd watch(inotify_init1(IN_CLOEXEC | IN_NONBLOCK));
  if (!watch) return Throw(info.Env(), Failed("inotify_init1"));
  for (const std::string& path : Options(info).Texts("paths")) {
    if (inotify_add_watch(watch.get(), path.c_str(), IN_MODIFY) == -1) {
      return Throw(info.Env(), Failed("inotify_add_watch", path));
    }
  }
  return Napi::Number::New(info.Env(), watch.release());
}

// Documentation/admin-guide/cgroup-v1/memory.rst, section 10: an eventfd is registered for memory.oom_control.
Napi::Value WatchOutOfMemory(const Napi::CallbackInfo& info) {
  const std::string directory = Options(info).Path("directory");
  const std::string control = directory + "/memory.oom_control";
  const UniqueFd file(open(control.c_str(), O_RDONLY | O_CLOEXEC));
  if (!file) return Throw(info.Env(), Failed("open", control));
  UniqueFd event(eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK));
  if (!event) return Throw(info.Env(), Failed("eventfd2"));
  // The kernel keeps what it needs of the file, which may be closed.
  const std::string line = std::to_string(event.get()) + " " + std::to_string(file.get());
  if (const Failure failure = WriteOnce(directory + "/cgroup.event_control", line)) return Throw(info.Env(), failure);
  return Napi::Number::New(info.Env(), event.release());
}

Napi::Value WaitEvents(const Napi::CallbackInfo& info) {
  const Options options(info);
  const std::vector<int> events = Integers(options.Get("events"));
  std::vector<pollfd> fds;
  fds.reserve(events.size() + 2);
  for (const int fd : events) fds.push_back({fd, POLLIN, 0});
  fds.push_back({options.Integer("pidfd"), POLLIN, 0});
  // Without an event of interest poll reports errors only: POLLERR of a pipe that nobody reads, POLLHUP of a socket.
  fds.push_back({options.Integer("output"), 0, 0});
  if (PollUntil(fds.data(), fds.size(), Deadline::After(options.Integer("timeoutMs"))) == -1) {
    return Throw(info.Env(), Failed("poll"));
  }
  auto ready = Napi::Array::New(info.Env());
  std::uint32_t count = 0;
  for (std::size_t i = 0; i < fds.size(); i++) {
    if (fds[i].revents == 0) continue;
    auto entry = Napi::Object::New(info.Env());
    entry.Set("fd", Napi::Number::New(info.Env(), fds[i].fd));
    entry.Set("times", Napi::Number::New(info.Env(), i < events.size() ? Take(fds[i].fd) : 1));
    ready.Set(count++, entry);
  }
  return ready;
}

}  // namespace runtime_ts
