#include "binding/file_content.h"

#include <fcntl.h>
#include <sys/stat.h>

#include "common/unique_fd.h"

namespace runtime_ts {
namespace {

// A config.json of many megabytes is possible (annotations); /dev/zero must not eat the machine's memory.
constexpr std::size_t kLargest = 256 << 20;

}  // namespace

Failure ReadWhole(const std::string& path, std::string* content) {
  const UniqueFd file(RetryOnEintr([&] { return open(path.c_str(), O_RDONLY | O_CLOEXEC); }));
  if (!file) return Failed("open", path);
  return ReadToEnd(file.get(), path, content);
}

Failure ReadToEnd(int fd, const std::string& path, std::string* content) {
  struct stat status {};
  if (fstat(fd, &status) == -1) return Failed("fstat", path);
  if (status.st_size > static_cast<off_t>(kLargest)) return {"read", EFBIG, path};

  // One byte more than the size, so that the first read of a regular file also finds its end; procfs says 0.
  content->resize(status.st_size > 0 ? static_cast<std::size_t>(status.st_size) + 1 : 4096);
  std::size_t used = 0;
  for (;;) {
    if (used > kLargest) return {"read", EFBIG, path};
    if (used == content->size()) content->resize(2 * used);
    const ssize_t count = RetryOnEintr([&] { return read(fd, content->data() + used, content->size() - used); });
    if (count == -1) return Failed("read", path);
    if (count == 0) break;
    used += static_cast<std::size_t>(count);
  }
  content->resize(used);
  return {};
}

Failure WriteWhole(int fd, std::string_view text, const std::string& path) {
  while (!text.empty()) {
    const ssize_t count = RetryOnEintr([&] { return write(fd, text.data(), text.size()); });
    if (count == -1) return Failed("write", path);
    text.remove_prefix(static_cast<std::size_t>(count));
  }
  return {};
}

Failure WriteOnce(const std::string& path, std::string_view text) {
  const UniqueFd file(RetryOnEintr([&] { return open(path.c_str(), O_WRONLY | O_CLOEXEC); }));
  if (!file) return Failed("open", path);
  // cgroupfs may be interrupted while it reclaims for a new limit (memory.high, memory.max): the write starts over.
  const ssize_t count = RetryOnEintr([&] { return write(file.get(), text.data(), text.size()); });
  if (count == -1) return Failed("write", path);
  if (static_cast<std::size_t>(count) != text.size()) return {"write", EIO, path};
  return {};
}

}  // namespace runtime_ts
