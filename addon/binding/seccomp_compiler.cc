#include "binding/seccomp_compiler.h"

#include <fcntl.h>
#include <seccomp.h>
#include <sys/mman.h>
#include <sys/stat.h>

#include <algorithm>
#include <cctype>
#include <cstdlib>
#include <cstring>
#include <iterator>
#include <memory>
#include <string_view>

#include "binding/seccomp_unknown.h"
#include "common/buffer.h"
#include "common/json.h"
#include "common/unique_fd.h"

namespace runtime_ts {
namespace {

struct ReleaseFilter {
  void operator()(void* filter) const { seccomp_release(filter); }
};
using Filter = std::unique_ptr<void, ReleaseFilter>;

// libseccomp returns negative errno numbers instead of setting errno.
Failure Refused(const char* call, int result, std::string detail = {}) { return {call, -result, std::move(detail)}; }

bool ActionNumber(std::string_view name, std::uint32_t value, std::uint32_t* action) {
  struct {
    std::string_view name;
    std::uint32_t number;
  } const kActions[] = {
      {"SCMP_ACT_ALLOW", SCMP_ACT_ALLOW},
      {"SCMP_ACT_ERRNO", SCMP_ACT_ERRNO(value)},
      {"SCMP_ACT_KILL", SCMP_ACT_KILL_THREAD},
      {"SCMP_ACT_KILL_THREAD", SCMP_ACT_KILL_THREAD},
      {"SCMP_ACT_KILL_PROCESS", SCMP_ACT_KILL_PROCESS},
      {"SCMP_ACT_TRAP", SCMP_ACT_TRAP},
      {"SCMP_ACT_TRACE", SCMP_ACT_TRACE(value)},
      {"SCMP_ACT_LOG", SCMP_ACT_LOG},
      {"SCMP_ACT_NOTIFY", SCMP_ACT_NOTIFY},
  };
  for (const auto& known : kActions) {
    if (known.name != name) continue;
    *action = known.number;
    return true;
  }
  return false;
}

bool Operator(std::string_view name, scmp_compare* comparison) {
  static constexpr struct {
    std::string_view name;
    scmp_compare comparison;
  } kOperators[] = {
      {"SCMP_CMP_NE", SCMP_CMP_NE},
      {"SCMP_CMP_LT", SCMP_CMP_LT},
      {"SCMP_CMP_LE", SCMP_CMP_LE},
      {"SCMP_CMP_EQ", SCMP_CMP_EQ},
      {"SCMP_CMP_GE", SCMP_CMP_GE},
      {"SCMP_CMP_GT", SCMP_CMP_GT},
      {"SCMP_CMP_MASKED_EQ", SCMP_CMP_MASKED_EQ},
  };
  for (const auto& known : kOperators) {
    if (known.name != name) continue;
    *comparison = known.comparison;
    return true;
  }
  return false;
}

std::uint64_t Decimal(const JsonValue& object, const char* key) {
  return std::strtoull(JsonString(object, key, "0"), nullptr, 10);
}

bool Condition(const JsonValue& argument, scmp_arg_cmp* condition) {
  condition->arg = static_cast<unsigned>(JsonInteger(argument, "index"));
  condition->datum_a = Decimal(argument, "value");
  condition->datum_b = Decimal(argument, "valueTwo");
  return condition->arg < 6 && Operator(JsonString(argument, "op", ""), &condition->op);
}

// SCMP_ARCH_X86_64 is x86_64 to libseccomp.
std::uint32_t ArchitectureToken(std::string_view name) {
  constexpr std::string_view kPrefix = "SCMP_ARCH_";
  if (!name.starts_with(kPrefix)) return 0;
  std::string lower(name.substr(kPrefix.size()));
  std::transform(lower.begin(), lower.end(), lower.begin(), [](unsigned char c) { return std::tolower(c); });
  return seccomp_arch_resolve_name(lower.c_str());
}

// Words of the specification that libseccomp has only since 2.6. No kernel that this runs on makes such calls.
bool IsNewerArchitecture(std::string_view name) {
  constexpr std::string_view kNames[] = {"SCMP_ARCH_LOONGARCH64", "SCMP_ARCH_M68K", "SCMP_ARCH_SH", "SCMP_ARCH_SHEB"};
  return std::find(std::begin(kNames), std::end(kNames), name) != std::end(kNames);
}

class Compiler {
 public:
  Failure Begin(const JsonValue& profile) {
    const char* action = JsonString(profile, "defaultAction", "");
    if (!ActionNumber(action, ErrnoOf(profile, "defaultErrno"), &default_action_)) {
      return {"seccomp_init", EINVAL, action};
    }
    fail_unknown_ = JsonBool(profile, "failUnknown");
    filter_.reset(seccomp_init(default_action_));
    if (!filter_) return {"seccomp_init", ENOMEM, {}};
    // A binary tree over the system call numbers instead of a list: some ten comparisons for each call instead of some
    // hundreds (libseccomp 2.5).
    seccomp_attr_set(filter_.get(), SCMP_FLTATR_CTL_OPTIMIZE, 2);
    return AddArchitectures(profile);
  }

  Failure AddRule(const JsonValue& rule) {
    std::uint32_t action = 0;
    const char* name = JsonString(rule, "action", "");
    if (!ActionNumber(name, ErrnoOf(rule, "errno"), &action)) return {"seccomp_rule_add", EINVAL, name};

    std::vector<scmp_arg_cmp> conditions;
    bool valid = true;
    JsonForEach(rule, "args",
                [&](const JsonValue& argument) { valid = valid && Condition(argument, &conditions.emplace_back()); });
    if (!valid) return {"seccomp_rule_add", EINVAL, "args"};

    Failure failure;
    JsonForEach(rule, "names", [&](const JsonValue& syscall) {
      if (!failure && syscall.IsString()) failure = AddSyscall(syscall.GetString(), action, conditions);
    });
    return failure;
  }

  Failure Finish(std::vector<unsigned char>* program) const {
    const UniqueFd file(memfd_create("seccomp", MFD_CLOEXEC));
    if (!file) return Failed("memfd_create");
    const int result = seccomp_export_bpf(filter_.get(), file.get());
    if (result < 0) return Refused("seccomp_export_bpf", result);
    struct stat status {};
    if (fstat(file.get(), &status) == -1) return Failed("fstat");
    program->resize(static_cast<std::size_t>(status.st_size));
    const ssize_t count = pread(file.get(), program->data(), program->size(), 0);
    if (count != static_cast<ssize_t>(program->size())) return Failed("pread");
    PrependUnknown(default_action_, architectures_, known_, program);
    return {};
  }

 private:
  static std::uint32_t ErrnoOf(const JsonValue& object, const char* key) {
    return static_cast<std::uint32_t>(JsonInteger(object, key, EPERM));
  }

  // The native architecture is in every filter, named or not, as in runc's.
  Failure AddArchitectures(const JsonValue& profile) {
    Failure failure;
    architectures_ = {seccomp_arch_native()};
    JsonForEach(profile, "architectures", [&](const JsonValue& element) {
      if (failure || !element.IsString()) return;
      const std::uint32_t token = ArchitectureToken(JsonText(element));
      if (token == 0 && IsNewerArchitecture(JsonText(element))) return;
      const int result = token == 0 ? -EINVAL : seccomp_arch_add(filter_.get(), token);
      // EDOM: of the other byte order, so a call of it can't come, and there is nothing to filter. Were there one after
      // all, it would be of an architecture that the filter does not have, which ends the caller.
      if (result == -EEXIST || result == -EDOM) return;
      if (result < 0) failure = Refused("seccomp_arch_add", result, element.GetString());
      architectures_.push_back(token);
    });
    return failure;
  }

  Failure AddSyscall(const char* name, std::uint32_t action, const std::vector<scmp_arg_cmp>& conditions) {
    const int number = seccomp_syscall_resolve_name(name);
    // Profiles name the calls of all kernels and architectures; libseccomp knows those of its own time.
    if (number == __NR_SCMP_ERROR) {
      if (fail_unknown_) return {"seccomp_syscall_resolve_name", EINVAL, name};
      return {};
    }
    known_.emplace_back(name);
    if (action == default_action_) return {};  // libseccomp refuses what changes nothing

    const auto count = static_cast<unsigned>(conditions.size());
    const int result = seccomp_rule_add_array(filter_.get(), action, number, count, conditions.data());
    // The same rule again (some profiles list a call twice) is no error.
    if (result < 0 && result != -EEXIST) return Refused("seccomp_rule_add", result, name);
    return {};
  }

  Filter filter_;
  std::uint32_t default_action_ = 0;
  bool fail_unknown_ = false;
  std::vector<std::uint32_t> architectures_;
  std::vector<std::string> known_;
};

}  // namespace

std::string LibseccompVersion() {
  const scmp_version* version = seccomp_version();
  return std::to_string(version->major) + "." + std::to_string(version->minor) + "." + std::to_string(version->micro);
}

Failure CompileFilter(const std::string& profile, std::vector<unsigned char>* program) {
  Buffer text;
  if (!text.Allocate(profile.size())) return {"malloc", ENOMEM, {}};
  std::memcpy(text.data(), profile.data(), profile.size());
  JsonDocument document;
  if (!ParseJson(&text, &document) || !document.IsObject()) return {"seccomp_init", EINVAL, "profile"};

  Compiler compiler;
  if (Failure failure = compiler.Begin(document)) return failure;
  Failure failure;
  JsonForEach(document, "rules", [&](const JsonValue& rule) {
    if (!failure) failure = compiler.AddRule(rule);
  });
  return failure ? failure : compiler.Finish(program);
}

}  // namespace runtime_ts
