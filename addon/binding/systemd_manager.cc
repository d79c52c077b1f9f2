#include "binding/systemd_manager.h"

#include <poll.h>

#include <cstring>
#include <string_view>

#include "binding/held_signals.h"

namespace runtime_ts {
namespace {

constexpr const char* kService = "org.freedesktop.systemd1";
constexpr const char* kObject = "/org/freedesktop/systemd1";
constexpr const char* kManager = "org.freedesktop.systemd1.Manager";

// For one answer, and for one job: as long as runc waits.
constexpr int kPatienceMs = 30'000;

Failure BusFailure(const char* call, int negative, std::string detail = {}) {
  return {call, -negative, std::move(detail)};
}

// The errors of systemd that mean something to the caller.
int ErrnoOf(std::string_view name, int fallback) {
  if (name == "org.freedesktop.systemd1.UnitExists") return EEXIST;
  if (name == "org.freedesktop.systemd1.NoSuchUnit") return ENOENT;
  return fallback;
}

}  // namespace

struct SystemdManager::Answer {
  const SdBus* functions = nullptr;
  sd_bus_message* message = nullptr;

  Answer() = default;
  ~Answer() {
    if (message != nullptr) functions->message_unref(message);
  }
  Answer(const Answer&) = delete;
  Answer& operator=(const Answer&) = delete;
};

Failure SystemdManager::Connect(const JsonValue& addresses, SystemdManager** manager) {
  static SystemdManager connection;
  static std::string connected_to;
  const SdBus* functions = nullptr;
  if (Failure failure = LoadSdBus(&functions)) return failure;
  if (!addresses.IsArray() || addresses.Empty()) return {"connect", EINVAL, "no address of systemd"};

  const std::string wanted = JsonString(addresses[0], "address", "");
  *manager = &connection;
  if (connection.bus_ != nullptr && wanted == connected_to) return {};
  // Of all that failed the first one is told: the others are there in case of it.
  Failure first;
  for (const JsonValue& entry : addresses.GetArray()) {
    connection.Close();
    Failure failure = connection.Open(*functions, JsonString(entry, "address", ""), JsonBool(entry, "broker"));
    if (!failure) {
      connected_to = wanted;
      return {};
    }
    if (!first) first = std::move(failure);
  }
  connection.Close();
  return first;
}

Failure SystemdManager::Open(const SdBus& functions, const char* address, bool broker) {
  functions_ = &functions;
  if (const int failed = functions.open(&bus_); failed < 0) return BusFailure("sd_bus_new", failed);
  if (const int failed = functions.set_address(bus_, address); failed < 0)
    return BusFailure("sd_bus_set_address", failed, address);
  if (const int failed = functions.set_bus_client(bus_, broker ? 1 : 0); failed < 0)
    return BusFailure("sd_bus_set_bus_client", failed);
  if (const int failed = functions.start(bus_); failed < 0) return BusFailure("connect", failed, address);

  // Anybody on a message bus can send such a signal; behind systemd's own socket there is only systemd.
  std::string match = std::string("type='signal',path='") + kObject + "',interface='" + kManager +
                      "',member='JobRemoved'" + (broker ? std::string(",sender='") + kService + "'" : std::string());
  if (const int failed = functions.add_match(bus_, nullptr, match.c_str(), OnJobRemoved, this); failed < 0)
    return BusFailure("connect", failed, address);
  if (!broker) return {};
  // To a message bus systemd sends signals only while somebody wants them.
  return Call("Subscribe", [](const SdBus&, sd_bus_message*) { return Failure{}; });
}

void SystemdManager::Close() {
  if (bus_ != nullptr) functions_->close_unref(bus_);
  bus_ = nullptr;
  removed_.clear();
}

// uoss: id, object, unit, result.
int SystemdManager::OnJobRemoved(sd_bus_message* message, void* self, sd_bus_error* /*error*/) {
  auto* manager = static_cast<SystemdManager*>(self);
  const SdBus& functions = *manager->functions_;
  std::uint32_t id = 0;
  const char* path = nullptr;
  const char* unit = nullptr;
  const char* result = nullptr;
  if (functions.read_basic(message, 'u', &id) > 0 && functions.read_basic(message, 'o', &path) > 0 &&
      functions.read_basic(message, 's', &unit) > 0 && functions.read_basic(message, 's', &result) > 0) {
    manager->removed_.push_back({path, result});
  }
  return 0;
}

int SystemdManager::OnAnswer(sd_bus_message* message, void* answer, sd_bus_error* /*error*/) {
  auto* into = static_cast<Answer*>(answer);
  into->message = into->functions->message_ref(message);
  return 0;
}

// Works on the connection until `done`.
Failure SystemdManager::Pump(const std::function<bool()>& done, Deadline deadline, bool interruptible) {
  while (!done()) {
    const int worked = functions_->process(bus_, nullptr);
    if (worked < 0) return BusFailure("sd_bus_process", worked, "the connection to systemd");
    if (worked > 0) continue;
    const int events = functions_->get_events(bus_);
    if (events < 0) return BusFailure("sd_bus_get_events", events);
    pollfd fds[2] = {{functions_->get_fd(bus_), static_cast<short>(events), 0},
                     {interruptible ? HeldSignalsFd() : -1, POLLIN, 0}};
    const int ready = PollUntil(fds, 2, deadline);
    if (ready == -1) return Failed("poll", "systemd");
    if (ready == 0) return {"poll", ETIMEDOUT, "systemd does not answer"};
    if (fds[1].revents == 0) continue;
    if (const int signal = NextHeldSignal(); signal != 0) return {"signal", EINTR, std::to_string(signal)};
  }
  return {};
}

Failure SystemdManager::Ask(const char* interface, const char* method, bool interruptible, const Fill& fill,
                            Answer* answer) {
  answer->functions = functions_;
  sd_bus_message* call = nullptr;
  int failed = functions_->new_method_call(bus_, &call, kService, kObject, interface, method);
  if (failed < 0) return BusFailure("sd_bus_message_new_method_call", failed);
  Failure failure = fill(*functions_, call);
  sd_bus_slot* slot = nullptr;
  if (!failure) {
    failed = functions_->call_async(bus_, &slot, call, OnAnswer, answer, UINT64_MAX);
    if (failed < 0) failure = BusFailure("sd_bus_call", failed, method);
  }
  functions_->message_unref(call);
  if (!failure) {
    failure = Pump([&] { return answer->message != nullptr; }, Deadline::After(kPatienceMs), interruptible);
  }
  if (slot != nullptr) functions_->slot_unref(slot);
  if (failure) {
    // What is half said on this connection would be the answer to the next question.
    Close();
    return failure;
  }
  const sd_bus_error* error = functions_->get_error(answer->message);
  if (error == nullptr) return {};
  const int number = ErrnoOf(error->name == nullptr ? "" : error->name, functions_->get_errno(answer->message));
  return {"sd_bus_call", number == 0 ? EIO : number, error->message == nullptr ? error->name : error->message};
}

Failure SystemdManager::Call(const char* method, const Fill& fill) {
  Answer answer;
  return Ask(kManager, method, false, fill, &answer);
}

const SystemdManager::Job* SystemdManager::Removed(const std::string& path) const {
  for (const Job& job : removed_) {
    if (job.path == path) return &job;
  }
  return nullptr;
}

Failure SystemdManager::CallForJob(const char* method, bool interruptible, const Fill& fill) {
  // Before the call: the job may be over before its answer has been read.
  removed_.clear();
  Answer answer;
  if (Failure failure = Ask(kManager, method, interruptible, fill, &answer)) return failure;
  const char* path = nullptr;
  if (const int failed = functions_->read_basic(answer.message, 'o', &path); failed <= 0)
    return {"sd_bus_message_read", EPROTO, method};
  const std::string job = path;
  if (Failure failure = Pump([&] { return Removed(job) != nullptr; }, Deadline::After(kPatienceMs), interruptible)) {
    Close();
    return failure;
  }
  const std::string& result = Removed(job)->result;
  if (result == "done") return {};
  return {"job", EIO, "systemd's job for it has ended with \"" + result + "\""};
}

Failure SystemdManager::Property(const char* name, std::string* value) {
  Answer answer;
  const auto fill = [&](const SdBus& bus, sd_bus_message* call) {
    int failed = bus.append_basic(call, 's', kManager);
    if (failed >= 0) failed = bus.append_basic(call, 's', name);
    return failed < 0 ? BusFailure("sd_bus_message_append", failed) : Failure{};
  };
  if (Failure failure = Ask("org.freedesktop.DBus.Properties", "Get", false, fill, &answer)) return failure;
  const char* text = nullptr;
  if (functions_->enter_container(answer.message, 'v', "s") <= 0 ||
      functions_->read_basic(answer.message, 's', &text) <= 0)
    return {"sd_bus_message_read", EPROTO, name};
  *value = text;
  return {};
}

}  // namespace runtime_ts
