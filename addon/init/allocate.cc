// operator new without the exception machinery of libstdc++: out of memory ends the init, and the engine sees an init
// that died (it reports that as out of memory when the cgroup says so).
#include <cstdlib>
#include <new>

void* operator new(std::size_t size) {
  void* memory = std::malloc(size);
  if (memory == nullptr) __builtin_trap();
  return memory;
}
void operator delete(void* memory) noexcept { std::free(memory); }
void operator delete(void* memory, std::size_t) noexcept { std::free(memory); }
