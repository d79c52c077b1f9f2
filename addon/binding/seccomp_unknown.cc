#include "binding/seccomp_unknown.h"

#include <linux/filter.h>
#include <linux/seccomp.h>
#include <seccomp.h>

#include <algorithm>
#include <cerrno>
#include <cstddef>
#include <cstring>

namespace runtime_ts {
namespace {

constexpr std::uint32_t kX32Bit = 0x40000000;

bool LetsThrough(std::uint32_t action) {
  switch (action & SECCOMP_RET_ACTION_FULL) {
    case SECCOMP_RET_ALLOW:
    case SECCOMP_RET_LOG:
    case SECCOMP_RET_TRACE:
    case SECCOMP_RET_USER_NOTIF:
      return true;
    default:
      return false;
  }
}

// The highest number on this architecture, or -1 when it has none of the calls.
int Highest(std::uint32_t architecture, const std::vector<std::string>& known) {
  int highest = -1;
  for (const std::string& name : known) {
    highest = std::max(highest, seccomp_syscall_resolve_name_arch(architecture, name.c_str()));
  }
  return highest;
}

// x32 shares the audit token of x86-64 and marks its calls by a bit in the number.
bool IsX32(std::uint32_t architecture) { return architecture == SCMP_ARCH_X32; }
std::uint32_t AuditToken(std::uint32_t architecture) {
  return IsX32(architecture) ? static_cast<std::uint32_t>(SCMP_ARCH_X86_64) : architecture;
}

void AppendCheck(std::uint32_t architecture, std::uint32_t highest, std::vector<sock_filter>* code) {
  constexpr std::uint32_t kAction = SECCOMP_RET_ERRNO | ENOSYS;
  const std::uint32_t token = AuditToken(architecture);
  const std::uint32_t above = IsX32(architecture) ? highest | kX32Bit : highest;
  code->push_back(BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(seccomp_data, arch)));
  if (token != SCMP_ARCH_X86_64) {
    code->push_back(BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, token, 0, 3));
    code->push_back(BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(seccomp_data, nr)));
    code->push_back(BPF_JUMP(BPF_JMP | BPF_JGT | BPF_K, above, 0, 1));
  } else {
    // The x32 range is left to a check of its own, and to libseccomp's, which knows whether x32 is allowed at all.
    code->push_back(BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, token, 0, 4));
    code->push_back(BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(seccomp_data, nr)));
    const std::uint8_t if_marked = IsX32(architecture) ? 0 : 2;
    const std::uint8_t if_unmarked = IsX32(architecture) ? 2 : 0;
    code->push_back(BPF_JUMP(BPF_JMP | BPF_JGE | BPF_K, kX32Bit, if_marked, if_unmarked));
    code->push_back(BPF_JUMP(BPF_JMP | BPF_JGT | BPF_K, above, 0, 1));
  }
  code->push_back(BPF_STMT(BPF_RET | BPF_K, kAction));
}

}  // namespace

void PrependUnknown(std::uint32_t default_action, const std::vector<std::uint32_t>& architectures,
                    const std::vector<std::string>& known, std::vector<unsigned char>* program) {
  if (LetsThrough(default_action)) return;
  std::vector<sock_filter> code;
  for (const std::uint32_t architecture : architectures) {
    const int highest = Highest(architecture, known);
    if (highest >= 0) AppendCheck(architecture, static_cast<std::uint32_t>(highest) & ~kX32Bit, &code);
  }
  const std::size_t size = code.size() * sizeof(sock_filter);
  if (size == 0 || program->size() + size > BPF_MAXINSNS * sizeof(sock_filter)) return;
  const auto* bytes = reinterpret_cast<const unsigned char*>(code.data());
  program->insert(program->begin(), bytes, bytes + size);
}

}  // namespace runtime_ts
