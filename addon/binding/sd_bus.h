// sd-bus (sd-bus(3)) out of libsystemd.so.0, opened when somebody asks for it: the program itself does not need it, and
// runs on hosts that have none. Declared here, since so few functions are needed: the ABI is stable (libsystemd.so.0).
#pragma once

#include <cstdint>

#include "binding/failure.h"
#include "common/json.h"

extern "C" {
struct sd_bus;
struct sd_bus_message;
struct sd_bus_slot;
struct sd_bus_error {
  const char* name;
  const char* message;
  int need_free;
};
using sd_bus_message_handler_t = int (*)(sd_bus_message*, void*, sd_bus_error*);
}

namespace runtime_ts {

// All return a negative errno number when they fail.
struct SdBus {
  int (*open)(sd_bus** bus);
  int (*set_address)(sd_bus* bus, const char* address);
  int (*set_bus_client)(sd_bus* bus, int is_client);
  int (*start)(sd_bus* bus);
  sd_bus* (*close_unref)(sd_bus* bus);
  int (*get_fd)(sd_bus* bus);
  int (*get_events)(sd_bus* bus);
  int (*process)(sd_bus* bus, sd_bus_message** message);
  int (*add_match)(sd_bus* bus, sd_bus_slot** slot, const char* match, sd_bus_message_handler_t handler, void* data);
  int (*call_async)(sd_bus* bus, sd_bus_slot** slot, sd_bus_message* message, sd_bus_message_handler_t handler,
                    void* data, std::uint64_t microseconds);
  sd_bus_slot* (*slot_unref)(sd_bus_slot* slot);
  int (*new_method_call)(sd_bus* bus, sd_bus_message** message, const char* destination, const char* path,
                         const char* interface, const char* member);
  sd_bus_message* (*message_ref)(sd_bus_message* message);
  sd_bus_message* (*message_unref)(sd_bus_message* message);
  int (*append_basic)(sd_bus_message* message, char type, const void* value);
  int (*open_container)(sd_bus_message* message, char type, const char* contents);
  int (*close_container)(sd_bus_message* message);
  int (*read_basic)(sd_bus_message* message, char type, void* value);
  int (*enter_container)(sd_bus_message* message, char type, const char* contents);
  const sd_bus_error* (*get_error)(sd_bus_message* message);
  int (*get_errno)(sd_bus_message* message);
};

// The functions, once for the whole process.
Failure LoadSdBus(const SdBus** functions);

// Appends a value of this signature (one complete type) to a message. The value is JSON as in
// src/cgroup/unit-property.ts: basic types are text, arrays, structures and dictionary entries are lists, a variant is
// {signature, value}.
Failure AppendValue(const SdBus& functions, sd_bus_message* message, const char* signature, const JsonValue& value);

}  // namespace runtime_ts
