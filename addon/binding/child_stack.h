// The stack of a child that runs in our memory (CLONE_VM).
#pragma once

#include <sys/mman.h>

#include <cstddef>

namespace runtime_ts {

class ChildStack {
 public:
  static constexpr std::size_t kSize = std::size_t{64} * 1024;
  ChildStack() : base_(mmap(nullptr, kSize, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_STACK, -1, 0)) {}
  ChildStack(const ChildStack&) = delete;
  ChildStack& operator=(const ChildStack&) = delete;
  ~ChildStack() {
    if (*this) munmap(base_, kSize);
  }
  explicit operator bool() const { return base_ != MAP_FAILED; }
  [[nodiscard]] void* Top() const { return static_cast<char*>(base_) + kSize; }

 private:
  void* base_;
};

}  // namespace runtime_ts
