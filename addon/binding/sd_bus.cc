#include "binding/sd_bus.h"

#include <dlfcn.h>

#include <charconv>
#include <cstdlib>
#include <cstring>
#include <string>
#include <string_view>
#include <type_traits>

namespace runtime_ts {
namespace {

template <typename Function>
bool Find(void* library, const char* name, Function* function) {
  *function = reinterpret_cast<Function>(dlsym(library, name));
  return *function != nullptr;
}

bool FindAll(void* library, SdBus* bus) {
  return Find(library, "sd_bus_new", &bus->open) && Find(library, "sd_bus_set_address", &bus->set_address) &&
         Find(library, "sd_bus_set_bus_client", &bus->set_bus_client) && Find(library, "sd_bus_start", &bus->start) &&
         Find(library, "sd_bus_flush_close_unref", &bus->close_unref) && Find(library, "sd_bus_get_fd", &bus->get_fd) &&
         Find(library, "sd_bus_get_events", &bus->get_events) && Find(library, "sd_bus_process", &bus->process) &&
         Find(library, "sd_bus_add_match", &bus->add_match) && Find(library, "sd_bus_call_async", &bus->call_async) &&
         Find(library, "sd_bus_slot_unref", &bus->slot_unref) &&
         Find(library, "sd_bus_message_new_method_call", &bus->new_method_call) &&
         Find(library, "sd_bus_message_ref", &bus->message_ref) &&
         Find(library, "sd_bus_message_unref", &bus->message_unref) &&
         Find(library, "sd_bus_message_append_basic", &bus->append_basic) &&
         Find(library, "sd_bus_message_open_container", &bus->open_container) &&
         Find(library, "sd_bus_message_close_container", &bus->close_container) &&
         Find(library, "sd_bus_message_read_basic", &bus->read_basic) &&
         Find(library, "sd_bus_message_enter_container", &bus->enter_container) &&
         Find(library, "sd_bus_message_get_error", &bus->get_error) &&
         Find(library, "sd_bus_message_get_errno", &bus->get_errno);
}

// Length of the complete type at the beginning; 0 when there is none. TypeScript has checked them: this is for memory's
// sake.
std::size_t TypeLength(std::string_view signature) {
  if (signature.empty()) return 0;
  if (signature[0] == 'a') {
    const std::size_t rest = TypeLength(signature.substr(1));
    return rest == 0 ? 0 : rest + 1;
  }
  if (signature[0] != '(' && signature[0] != '{') return 1;
  const char close = signature[0] == '(' ? ')' : '}';
  std::size_t index = 1;
  while (index < signature.size() && signature[index] != close) {
    const std::size_t length = TypeLength(signature.substr(index));
    if (length == 0) return 0;
    index += length;
  }
  return index < signature.size() ? index + 1 : 0;
}

class Appender {
 public:
  Appender(const SdBus& functions, sd_bus_message* message) : bus_(functions), message_(message) {}

  // A negative errno number when it fails.
  int Value(std::string_view signature, const JsonValue& value) {
    if (TypeLength(signature) != signature.size() || signature.empty()) return -EINVAL;
    switch (signature[0]) {
      case 'a':
        return Container('a', signature.substr(1), value,
                         [&](const JsonValue& list) { return Items(signature, list); });
      case '(':
      case '{': {
        const std::string_view members = signature.substr(1, signature.size() - 2);
        const char type = signature[0] == '(' ? 'r' : 'e';
        return Container(type, members, value, [&](const JsonValue& list) { return Members(members, list); });
      }
      case 'v': {
        const JsonValue* inner = JsonMember(value, "value");
        const char* type = JsonString(value, "signature");
        if (inner == nullptr || type == nullptr) return -EINVAL;
        const std::string contents(type);
        if (const int failed = bus_.open_container(message_, 'v', contents.c_str()); failed < 0) return failed;
        if (const int failed = Value(contents, *inner); failed < 0) return failed;
        return bus_.close_container(message_);
      }
      default:
        return Basic(signature[0], value);
    }
  }

 private:
  template <typename Fill>
  int Container(char type, std::string_view contents, const JsonValue& value, Fill fill) {
    if (!value.IsArray()) return -EINVAL;
    if (const int failed = bus_.open_container(message_, type, std::string(contents).c_str()); failed < 0)
      return failed;
    if (const int failed = fill(value); failed < 0) return failed;
    return bus_.close_container(message_);
  }

  int Items(std::string_view signature, const JsonValue& list) {
    for (const JsonValue& item : list.GetArray()) {
      if (const int failed = Value(signature.substr(1), item); failed < 0) return failed;
    }
    return 0;
  }

  int Members(std::string_view signature, const JsonValue& list) {
    for (const JsonValue& item : list.GetArray()) {
      const std::size_t length = TypeLength(signature);
      if (length == 0) return -EINVAL;
      if (const int failed = Value(signature.substr(0, length), item); failed < 0) return failed;
      signature.remove_prefix(length);
    }
    return signature.empty() ? 0 : -EINVAL;
  }

  int Basic(char type, const JsonValue& value) {
    if (!value.IsString()) return -EINVAL;
    const char* text = value.GetString();
    switch (type) {
      case 's':
      case 'o':
      case 'g':
        return bus_.append_basic(message_, type, text);
      case 'b': {
        const int flag = std::strcmp(text, "true") == 0 ? 1 : 0;
        return bus_.append_basic(message_, type, &flag);
      }
      case 'd': {
        const double number = std::strtod(text, nullptr);
        return bus_.append_basic(message_, type, &number);
      }
      case 'y':
        return Integer<std::uint8_t>(type, JsonText(value));
      case 'n':
        return Integer<std::int16_t>(type, JsonText(value));
      case 'q':
        return Integer<std::uint16_t>(type, JsonText(value));
      case 'i':
        return Integer<std::int32_t>(type, JsonText(value));
      case 'u':
        return Integer<std::uint32_t>(type, JsonText(value));
      case 'x':
        return Integer<std::int64_t>(type, JsonText(value));
      case 't':
        return Integer<std::uint64_t>(type, JsonText(value));
      default:
        return -EINVAL;
    }
  }

  template <typename Number>
  int Integer(char type, std::string_view text) {
    Number number{};
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
    if (error != std::errc{} || end != text.data() + text.size()) return -EINVAL;
    return bus_.append_basic(message_, type, &number);
  }

  const SdBus& bus_;
  sd_bus_message* message_;
};

}  // namespace

Failure LoadSdBus(const SdBus** functions) {
  static SdBus bus{};
  static bool loaded = false;
  if (!loaded) {
    void* library = dlopen("libsystemd.so.0", RTLD_NOW | RTLD_LOCAL);
    if (library == nullptr) return {"dlopen", ENOENT, dlerror()};
    if (!FindAll(library, &bus)) return {"dlsym", ENOSYS, dlerror()};
    loaded = true;
  }
  *functions = &bus;
  return {};
}

Failure AppendValue(const SdBus& functions, sd_bus_message* message, const char* signature, const JsonValue& value) {
  const int failed = Appender(functions, message).Value(signature, value);
  return failed < 0 ? Failure{"sd_bus_message_append", -failed, std::string("a value of type ") + signature}
                    : Failure{};
}

}  // namespace runtime_ts
