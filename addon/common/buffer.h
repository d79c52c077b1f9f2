// Bytes on the heap. The init uses it instead of std::string, whose length checks bring the exception machinery of
// libstdc++ into a static program (and into the memory of every created container).
#pragma once

#include <cstddef>
#include <cstdlib>
#include <string_view>
#include <utility>

namespace runtime_ts {

class Buffer {
 public:
  Buffer() = default;
  Buffer(Buffer&& other) noexcept : data_(std::exchange(other.data_, nullptr)), size_(std::exchange(other.size_, 0)) {}
  Buffer& operator=(Buffer&& other) noexcept {
    std::swap(data_, other.data_);
    std::swap(size_, other.size_);
    return *this;
  }
  Buffer(const Buffer&) = delete;
  Buffer& operator=(const Buffer&) = delete;
  ~Buffer() { std::free(data_); }

  // Room for `size` bytes and a NUL after them, so that the content can be parsed in place as a C string.
  [[nodiscard]] bool Allocate(std::size_t size) {
    char* data = static_cast<char*>(std::malloc(size + 1));
    if (data == nullptr) return false;
    std::free(data_);
    data_ = data;
    size_ = size;
    data_[size] = '\0';
    return true;
  }

  [[nodiscard]] char* data() { return data_; }
  [[nodiscard]] const char* data() const { return data_; }
  [[nodiscard]] std::size_t size() const { return size_; }
  [[nodiscard]] bool empty() const { return size_ == 0; }
  [[nodiscard]] std::string_view view() const { return {data_, size_}; }

 private:
  char* data_ = nullptr;
  std::size_t size_ = 0;
};

}  // namespace runtime_ts
