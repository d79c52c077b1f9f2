// malloc for a process that allocates a plan and then waits: memory goes up from chunks of address space (pages that
// nobody touches cost nothing), only the last block can be given back, and what is large is mapped by itself.
#include <sys/mman.h>
#include <sys/syscall.h>

#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <new>

#include "init/libc/syscall.h"

namespace {

constexpr std::size_t kChunk = 256 << 10;
constexpr std::size_t kLarge = kChunk / 2;
constexpr std::size_t kAlignment = 16;

// Before each block; keeps the alignment.
struct alignas(kAlignment) Size {
  std::size_t bytes;
};

char* next = nullptr;
char* limit = nullptr;

char* Map(std::size_t size) {
  const long start =
      runtime_ts::Call(SYS_mmap, nullptr, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  return start == -1 ? nullptr : reinterpret_cast<char*>(start);  // NOLINT(performance-no-int-to-ptr): mmap
}

Size* Header(void* block) { return static_cast<Size*>(block) - 1; }

}  // namespace

extern "C" {

void* malloc(std::size_t size) noexcept {
  if (size > SIZE_MAX / 2) {
    errno = ENOMEM;
    return nullptr;
  }
  size = (size + kAlignment - 1) & ~(kAlignment - 1);
  const std::size_t whole = size + sizeof(Size);
  char* start = nullptr;
  if (whole >= kLarge) {
    start = Map(whole);
    if (start == nullptr) return nullptr;
  } else {
    if (static_cast<std::size_t>(limit - next) < whole) {
      start = Map(kChunk);
      if (start == nullptr) return nullptr;
      next = start;
      limit = start + kChunk;
    }
    start = next;
    next += whole;
  }
  return new (start) Size{size} + 1;
}

void free(void* block) noexcept {
  if (block == nullptr) return;
  Size* header = Header(block);
  const std::size_t whole = header->bytes + sizeof(Size);
  if (whole >= kLarge) {
    runtime_ts::Call(SYS_munmap, header, whole);
  } else if (reinterpret_cast<char*>(header) + whole == next) {
    next = reinterpret_cast<char*>(header);
  }
}

void* calloc(std::size_t count, std::size_t size) noexcept {
  std::size_t bytes = 0;
  if (__builtin_mul_overflow(count, size, &bytes)) {
    errno = ENOMEM;
    return nullptr;
  }
  void* block = malloc(bytes);
  // Hides where the block comes from: the optimiser makes a calloc of malloc and memset, this very call.
  asm volatile("" : "+r"(block));
  if (block != nullptr) memset(block, 0, bytes);
  return block;
}

void* realloc(void* block, std::size_t size) noexcept {
  if (block == nullptr) return malloc(size);
  const std::size_t old = Header(block)->bytes;
  if (size <= old) return block;
  void* larger = malloc(size);
  if (larger == nullptr) return nullptr;
  memcpy(larger, block, old);
  free(block);
  return larger;
}

}  // extern "C"
