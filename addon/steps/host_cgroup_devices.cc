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

// The halves of each instruction, as they come. False when they are no whole number of instructions.
bool ReadProgram(const JsonValue& step, std::vector<std::uint32_t>* halves) {
  JsonForEach(step, "program", [&](const JsonValue& half) { halves->push_back(half.IsUint() ? half.GetUint() : 0); });
  return !halves->empty() && halves->size() % 2 == 0;
}

constexpr char kProgramName[] = "runtime_ts";

int Bpf(bpf_cmd command, bpf_attr* attributes) {
  return static_cast<int>(syscall(SYS_bpf, command, attributes, sizeof *attributes));
}

std::uint64_t Pointer(const void* pointer) { return reinterpret_cast<std::uintptr_t>(pointer); }

UniqueFd LoadProgram(const std::vector<std::uint32_t>& halves) {
  bpf_attr attributes;
  std::memset(&attributes, 0, sizeof attributes);  // the kernel checks that unused bytes are 0, padding included
  attributes.prog_type = BPF_PROG_TYPE_CGROUP_DEVICE;
  attributes.insns = Pointer(halves.data());
  attributes.insn_cnt = static_cast<std::uint32_t>(halves.size() / 2);
  attributes.license = Pointer("Apache-2.0");  // the program calls no function that is for GPL programs only
  std::memcpy(attributes.prog_name, kProgramName, sizeof kProgramName);
  // bpf(2) says EAGAIN when a signal interrupts the verifier.
  int program = -1;
  for (int tries = 0; tries < 5 && program == -1; tries++) {
    program = Bpf(BPF_PROG_LOAD, &attributes);
    if (program == -1 && errno != EAGAIN) break;
  }
  return UniqueFd(program);
}

bool IsOurs(int program) {
  bpf_prog_info info;
  std::memset(&info, 0, sizeof info);
  bpf_attr attributes;
  std::memset(&attributes, 0, sizeof attributes);
  attributes.info.bpf_fd = static_cast<std::uint32_t>(program);
  attributes.info.info_len = sizeof info;
  attributes.info.info = Pointer(&info);
  return Bpf(BPF_OBJ_GET_INFO_BY_FD, &attributes) == 0 && std::strcmp(info.name, kProgramName) == 0;
}

// The program that we attached to this cgroup, by its name: others (systemd's) may have theirs beside it. Not found:
// -1.
UniqueFd FindOurs(int cgroup) {
  std::uint32_t ids[64];  // BPF_CGROUP_MAX_PROGS
  bpf_attr attributes;
  std::memset(&attributes, 0, sizeof attributes);
  attributes.query.target_fd = static_cast<std::uint32_t>(cgroup);
  attributes.query.attach_type = BPF_CGROUP_DEVICE;
  attributes.query.prog_ids = Pointer(ids);
  attributes.query.prog_cnt = sizeof ids / sizeof *ids;
  if (Bpf(BPF_PROG_QUERY, &attributes) == -1) return UniqueFd();
  const std::uint32_t count = attributes.query.prog_cnt;
  for (std::uint32_t i = 0; i < count; i++) {
    std::memset(&attributes, 0, sizeof attributes);
    attributes.prog_id = ids[i];
    UniqueFd program(Bpf(BPF_PROG_GET_FD_BY_ID, &attributes));
    if (program && IsOurs(program.get())) return program;
  }
  return UniqueFd();
}

}  // namespace

Failure AttachDeviceProgram(const JsonValue& step) {
  const std::string path = JsonString(step, "path", "");
  std::vector<std::uint32_t> program_halves;
  if (!ReadProgram(step, &program_halves)) return {"bpf", EINVAL, "device program"};
  const UniqueFd cgroup(open(path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (!cgroup) return Failed("open", path);
  const UniqueFd program = LoadProgram(program_halves);
  if (!program) return Failed("bpf", "BPF_PROG_LOAD of the device program");

  bpf_attr attributes;
  std::memset(&attributes, 0, sizeof attributes);
  attributes.target_fd = static_cast<std::uint32_t>(cgroup.get());
  attributes.attach_bpf_fd = static_cast<std::uint32_t>(program.get());
  attributes.attach_type = BPF_CGROUP_DEVICE;
  // MULTI: beside the programs of parents (systemd's DeviceAllow), all of which must agree.
  attributes.attach_flags = BPF_F_ALLOW_MULTI;
  UniqueFd old;
  if (JsonBool(step, "replace")) old = FindOurs(cgroup.get());
  if (old) {
    // Linux 5.6: there is no moment with both or neither.
    attributes.attach_flags |= BPF_F_REPLACE;
    attributes.replace_bpf_fd = static_cast<std::uint32_t>(old.get());
  }
  if (Bpf(BPF_PROG_ATTACH, &attributes) == -1) return Failed("bpf", "BPF_PROG_ATTACH to " + path);
  return {};
}

}  // namespace runtime_ts
