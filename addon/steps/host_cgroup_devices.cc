// The step that attaches the device program of a v2 cgroup (v1 has the devices controller instead).
#include <fcntl.h>
#include <linux/bpf.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cstdint>
#include <cstring>
#include <string>
#include <string_view>
#include <vector>

#include "common/unique_fd.h"
#include "steps/host_steps.h"

namespace runtime_ts {
namespace {

int SixBits(char c) {
  if (c >= 'A' && c <= 'Z') return c - 'A';
  if (c >= 'a' && c <= 'z') return c - 'a' + 26;
  if (c >= '0' && c <= '9') return c - '0' + 52;
  if (c == '+') return 62;
  return c == '/' ? 63 : -1;
}

bool DecodeBase64(std::string_view text, std::vector<std::uint8_t>* bytes) {
  std::uint32_t bits = 0;
  int count = 0;
  for (const char c : text) {
    if (c == '=') break;
    const int six = SixBits(c);
    if (six < 0) return false;
    bits = bits << 6 | static_cast<std::uint32_t>(six);
    count += 6;
    if (count < 8) continue;
    count -= 8;
    bytes->push_back(static_cast<std::uint8_t>(bits >> count));
  }
  return true;
}

int Bpf(bpf_cmd command, bpf_attr* attributes) {
  return static_cast<int>(syscall(SYS_bpf, command, attributes, sizeof *attributes));
}

std::uint64_t Pointer(const void* pointer) { return reinterpret_cast<std::uintptr_t>(pointer); }

UniqueFd LoadProgram(const std::vector<std::uint8_t>& instructions) {
  bpf_attr attributes;
  std::memset(&attributes, 0, sizeof attributes);  // the kernel checks that unused bytes are 0, padding included
  attributes.prog_type = BPF_PROG_TYPE_CGROUP_DEVICE;
  attributes.insns = Pointer(instructions.data());
  attributes.insn_cnt = static_cast<std::uint32_t>(instructions.size() / sizeof(bpf_insn));
  attributes.license = Pointer("Apache-2.0");  // the program calls no function that is for GPL programs only
  std::memcpy(attributes.prog_name, "runtime_ts", sizeof "runtime_ts");
  // bpf(2) says EAGAIN when a signal interrupts the verifier.
  int program = -1;
  for (int tries = 0; tries < 5 && program == -1; tries++) {
    program = Bpf(BPF_PROG_LOAD, &attributes);
    if (program == -1 && errno != EAGAIN) break;
  }
  return UniqueFd(program);
}

}  // namespace

Failure AttachDeviceProgram(const JsonValue& step) {
  const std::string path = JsonString(step, "path", "");
  std::vector<std::uint8_t> instructions;
  if (!DecodeBase64(JsonString(step, "program", ""), &instructions)) return {"bpf", EINVAL, "device program"};
  const UniqueFd cgroup(open(path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (!cgroup) return Failed("open", path);
  const UniqueFd program = LoadProgram(instructions);
  if (!program) return Failed("bpf", "BPF_PROG_LOAD of the device program");

  bpf_attr attributes;
  std::memset(&attributes, 0, sizeof attributes);
  attributes.target_fd = static_cast<std::uint32_t>(cgroup.get());
  attributes.attach_bpf_fd = static_cast<std::uint32_t>(program.get());
  attributes.attach_type = BPF_CGROUP_DEVICE;
  // MULTI: beside the programs of parents (systemd's DeviceAllow), all of which must agree.
  attributes.attach_flags = BPF_F_ALLOW_MULTI;
  if (Bpf(BPF_PROG_ATTACH, &attributes) == -1) return Failed("bpf", "BPF_PROG_ATTACH to " + path);
  return {};
}

}  // namespace runtime_ts
