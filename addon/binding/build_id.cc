#include "binding/build_id.h"

#include <elf.h>
#include <link.h>

#include <cstring>

// Where this object begins in memory; made by the linker.
extern "C" __attribute__((visibility("hidden"))) const ElfW(Ehdr) __ehdr_start;  // NOLINT(bugprone-reserved-identifier)

namespace runtime_ts {
namespace {

constexpr std::size_t Aligned(std::size_t size) { return (size + 3) & ~std::size_t{3}; }

std::string Hexadecimal(const unsigned char* bytes, std::size_t count) {
  static constexpr char kDigits[] = "0123456789abcdef";
  std::string text;
  text.reserve(2 * count);
  for (std::size_t i = 0; i < count; i++) {
    text += kDigits[bytes[i] >> 4];
    text += kDigits[bytes[i] & 15];
  }
  return text;
}

// The notes of one PT_NOTE segment: header, name, description, each aligned to four bytes.
std::string FindIn(const char* notes, std::size_t size) {
  for (std::size_t at = 0; at + sizeof(ElfW(Nhdr)) <= size;) {
    ElfW(Nhdr) note;
    std::memcpy(&note, notes + at, sizeof note);
    const char* name = notes + at + sizeof note;
    const char* description = name + Aligned(note.n_namesz);
    if (note.n_type == NT_GNU_BUILD_ID && note.n_namesz == 4 && std::memcmp(name, "GNU", 4) == 0) {
      return Hexadecimal(reinterpret_cast<const unsigned char*>(description), note.n_descsz);
    }
    at += sizeof note + Aligned(note.n_namesz) + Aligned(note.n_descsz);
  }
  return {};
}

}  // namespace

std::string BuildId() {
  const char* base = reinterpret_cast<const char*>(&__ehdr_start);
  const auto* headers = reinterpret_cast<const ElfW(Phdr)*>(base + __ehdr_start.e_phoff);
  for (int i = 0; i < __ehdr_start.e_phnum; i++) {
    if (headers[i].p_type != PT_NOTE) continue;
    std::string id = FindIn(base + headers[i].p_vaddr, headers[i].p_memsz);
    if (!id.empty()) return id;
  }
  return {};
}

}  // namespace runtime_ts
