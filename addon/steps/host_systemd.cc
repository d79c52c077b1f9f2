// Steps on the systemd unit that is the container's cgroup.
#include <unistd.h>

#include <string>

#include "binding/file_content.h"
#include "binding/systemd_manager.h"
#include "steps/host_steps.h"

namespace runtime_ts {
namespace {

Failure Check(int result) { return result < 0 ? Failure{"sd_bus_message_append", -result, {}} : Failure{}; }

Failure AppendText(const SdBus& bus, sd_bus_message* call, const char* text) {
  return Check(bus.append_basic(call, 's', text));
}

// (sv)
template <typename Fill>
Failure AppendProperty(const SdBus& bus, sd_bus_message* call, const char* name, const char* signature, Fill fill) {
  if (Failure failure = Check(bus.open_container(call, 'r', "sv"))) return failure;
  if (Failure failure = AppendText(bus, call, name)) return failure;
  if (Failure failure = Check(bus.open_container(call, 'v', signature))) return failure;
  if (Failure failure = fill()) return failure;
  if (Failure failure = Check(bus.close_container(call))) return failure;
  return Check(bus.close_container(call));
}

// a(sv); `pid` is put into the unit, unless it is -1.
Failure AppendProperties(const SdBus& bus, sd_bus_message* call, const JsonValue& step, pid_t pid) {
  if (Failure failure = Check(bus.open_container(call, 'a', "(sv)"))) return failure;
  Failure failed;
  JsonForEach(step, "properties", [&](const JsonValue& property) {
    if (failed) return;
    const char* signature = JsonString(property, "signature", "");
    const JsonValue* value = JsonMember(property, "value");
    failed = AppendProperty(bus, call, JsonString(property, "name", ""), signature, [&] {
      return value == nullptr ? Failure{"sd_bus_message_append", EINVAL, {}}
                              : AppendValue(bus, call, signature, *value);
    });
  });
  if (failed) return failed;
  if (pid > 0) {
    const auto number = static_cast<std::uint32_t>(pid);
    Failure failure = AppendProperty(bus, call, "PIDs", "au", [&] {
      if (Failure inner = Check(bus.open_container(call, 'a', "u"))) return inner;
      if (Failure inner = Check(bus.append_basic(call, 'u', &number))) return inner;
      return Check(bus.close_container(call));
    });
    if (failure) return failure;
  }
  return Check(bus.close_container(call));
}

Failure ConnectFor(const JsonValue& step, SystemdManager** manager) {
  const JsonValue* addresses = JsonMember(step, "bus");
  return addresses == nullptr ? Failure{"connect", EINVAL, "no address of systemd"}
                              : SystemdManager::Connect(*addresses, manager);
}

Failure ResetFailed(SystemdManager* manager, const char* unit) {
  return manager->Call("ResetFailedUnit",
                       [&](const SdBus& bus, sd_bus_message* call) { return AppendText(bus, call, unit); });
}

// The process is where the plan says: what follows is written there by path.
Failure RequireCgroup(pid_t pid, const std::string& cgroup) {
  const std::string path = "/proc/" + std::to_string(pid) + "/cgroup";
  std::string table;
  if (Failure failure = ReadWhole(path, &table)) return failure;
  if (table.find("::" + cgroup + "\n") != std::string::npos) return {};
  if (table.find(":name=systemd:" + cgroup + "\n") != std::string::npos) return {};
  return {"cgroup", EXDEV, "systemd has put the process elsewhere than into " + cgroup};
}

}  // namespace

Failure StartUnit(const JsonValue& step, pid_t pid) {
  SystemdManager* manager = nullptr;
  if (Failure failure = ConnectFor(step, &manager)) return failure;
  const char* unit = JsonString(step, "unit", "");
  const bool enter = JsonBool(step, "enter");
  // ssa(sv)a(sa(sv)): name, what to do about other jobs, properties, other units.
  const auto fill = [&](const SdBus& bus, sd_bus_message* call) {
    if (Failure failure = AppendText(bus, call, unit)) return failure;
    if (Failure failure = AppendText(bus, call, "replace")) return failure;
    if (Failure failure = AppendProperties(bus, call, step, enter ? pid : -1)) return failure;
    if (Failure failure = Check(bus.open_container(call, 'a', "(sa(sv))"))) return failure;
    return Check(bus.close_container(call));
  };
  Failure failure = manager->CallForJob("StartTransientUnit", true, fill);
  if (failure.number == EEXIST && !ResetFailed(manager, unit)) {
    // A unit that has failed stays until somebody has taken note of it.
    failure = manager->CallForJob("StartTransientUnit", true, fill);
  }
  if (failure) return failure;
  return enter ? RequireCgroup(pid, JsonString(step, "cgroup", "")) : Failure{};
}

Failure SetUnitProperties(const JsonValue& step) {
  SystemdManager* manager = nullptr;
  if (Failure failure = ConnectFor(step, &manager)) return failure;
  Failure failure = manager->Call("SetUnitProperties", [&](const SdBus& bus, sd_bus_message* call) {
    if (Failure failure = AppendText(bus, call, JsonString(step, "unit", ""))) return failure;
    const int runtime = 1;
    if (Failure failure = Check(bus.append_basic(call, 'b', &runtime))) return failure;
    return AppendProperties(bus, call, step, -1);
  });
  if (failure) return failure;
  // systemd answers before it writes to the cgroup, which it does before it looks at the next question
  // (manager_loop: the queue of cgroups to realize comes before events).
  std::string version;
  return manager->Property("Version", &version);
}

Failure StopUnit(const JsonValue& step) {
  SystemdManager* manager = nullptr;
  if (Failure failure = ConnectFor(step, &manager)) return failure;
  const char* unit = JsonString(step, "unit", "");
  Failure failure = manager->CallForJob("StopUnit", false, [&](const SdBus& bus, sd_bus_message* call) {
    if (Failure inner = AppendText(bus, call, unit)) return inner;
    return AppendText(bus, call, "replace");
  });
  if (failure.number == ENOENT) return {};
  // Of a unit that did not fail there is nothing to forget, and it may be gone by now.
  if (ResetFailed(manager, unit)) errno = 0;
  return failure;
}

}  // namespace runtime_ts
