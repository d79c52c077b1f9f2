// A connection to systemd's manager object (org.freedesktop.systemd1(5)), and the calls that wait for its jobs.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "binding/failure.h"
#include "binding/sd_bus.h"
#include "binding/wait.h"
#include "common/json.h"

namespace runtime_ts {

class SystemdManager {
 public:
  // Adds the arguments of a call.
  using Fill = std::function<Failure(const SdBus&, sd_bus_message*)>;

  // The one at the first of these addresses ([{address, broker}]) that takes a connection; kept for the next time.
  static Failure Connect(const JsonValue& addresses, SystemdManager** manager);

  // A method of org.freedesktop.systemd1.Manager.
  Failure Call(const char* method, const Fill& fill);
  // One that is answered with a job: returns when that is done. `interruptible`: or when a signal comes that is held
  // back: a failure of "signal" with its number as detail.
  Failure CallForJob(const char* method, bool interruptible, const Fill& fill);
  // A property of the manager that is text.
  Failure Property(const char* name, std::string* value);

  SystemdManager() = default;
  ~SystemdManager() { Close(); }
  SystemdManager(const SystemdManager&) = delete;
  SystemdManager& operator=(const SystemdManager&) = delete;

 private:
  struct Job {
    std::string path;
    std::string result;
  };
  struct Answer;

  static int OnJobRemoved(sd_bus_message* message, void* self, sd_bus_error* error);
  static int OnAnswer(sd_bus_message* message, void* answer, sd_bus_error* error);

  Failure Open(const SdBus& functions, const char* address, bool broker);
  void Close();
  Failure Ask(const char* interface, const char* method, bool interruptible, const Fill& fill, Answer* answer);
  Failure Pump(const std::function<bool()>& done, Deadline deadline, bool interruptible);
  const Job* Removed(const std::string& path) const;

  const SdBus* functions_ = nullptr;
  sd_bus* bus_ = nullptr;
  std::vector<Job> removed_;
};

}  // namespace runtime_ts
