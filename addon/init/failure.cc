#include "init/failure.h"

#include <algorithm>
#include <cstring>

namespace runtime_ts {
namespace {

Failure failure;

}  // namespace

Status Status::Make(const char* syscall, int error, std::string_view detail) {
  const std::size_t length = std::min(detail.size(), kMaxDetail - 1);
  failure.syscall = syscall;
  failure.error = error;
  if (length > 0) std::memmove(failure.detail, detail.data(), length);
  failure.detail[length] = '\0';
  return Status(false);
}

const Failure& Status::last() { return failure; }

}  // namespace runtime_ts
