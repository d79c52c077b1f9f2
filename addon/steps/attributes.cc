#include "steps/attributes.h"

#include <fcntl.h>

namespace runtime_ts {
namespace {

std::uint64_t Attribute(std::string_view word) {
  if (word == "rdonly") return MOUNT_ATTR_RDONLY;
  if (word == "nosuid") return MOUNT_ATTR_NOSUID;
  if (word == "nodev") return MOUNT_ATTR_NODEV;
  if (word == "noexec") return MOUNT_ATTR_NOEXEC;
  if (word == "nodiratime") return MOUNT_ATTR_NODIRATIME;
  if (word == "nosymfollow") return MOUNT_ATTR_NOSYMFOLLOW;
  return 0;
}

bool ParseAtime(std::string_view word, std::uint64_t* value) {
  if (word == "relatime") {
    *value = MOUNT_ATTR_RELATIME;
  } else if (word == "noatime") {
    *value = MOUNT_ATTR_NOATIME;
  } else if (word == "strictatime") {
    *value = MOUNT_ATTR_STRICTATIME;
  } else {
    return false;
  }
  return true;
}

}  // namespace

bool ParseAttributes(const JsonValue* change, mount_attr* attributes) {
  *attributes = {};
  if (change == nullptr) return true;
  bool known = true;
  JsonForEach(*change, "set", [&](const JsonValue& word) {
    const std::uint64_t bit = Attribute(JsonText(word));
    known = known && bit != 0;
    attributes->attr_set |= bit;
  });
  JsonForEach(*change, "clear", [&](const JsonValue& word) {
    const std::uint64_t bit = Attribute(JsonText(word));
    known = known && bit != 0;
    attributes->attr_clr |= bit;
  });
  if (const char* atime = JsonString(*change, "atime"); atime != nullptr) {
    // The access time is a field of its own: the kernel wants it cleared as a whole before it is set.
    std::uint64_t value = 0;
    known = known && ParseAtime(atime, &value);
    attributes->attr_clr |= MOUNT_ATTR__ATIME;
    attributes->attr_set |= value;
  }
  return known;
}

std::uint64_t ParsePropagation(std::string_view word) {
  std::uint64_t recursive = 0;
  if (word.starts_with('r')) {
    recursive = MS_REC;
    word.remove_prefix(1);
  }
  if (word == "private") return recursive | MS_PRIVATE;
  if (word == "slave") return recursive | MS_SLAVE;
  if (word == "shared") return recursive | MS_SHARED;
  if (word == "unbindable") return recursive | MS_UNBINDABLE;
  return 0;
}

Status ApplyAttributes(int mount, const mount_attr& attributes, bool recursive, const char* destination) {
  mount_attr copy = attributes;
  if (copy.attr_set == 0 && copy.attr_clr == 0 && copy.propagation == 0) return Status::Ok();
  const unsigned flags = AT_EMPTY_PATH | (recursive ? AT_RECURSIVE : 0U);
  if (mount_setattr(mount, "", flags, &copy, sizeof copy) < 0) return Status::Errno("mount_setattr", destination);
  return Status::Ok();
}

Status ApplyRecursiveAttributes(int mount, const JsonValue& step, const char* destination) {
  mount_attr attributes{};
  if (!ParseAttributes(JsonMember(step, "recursive"), &attributes)) return Status::Make("plan", EINVAL, destination);
  return ApplyAttributes(mount, attributes, true, destination);
}

Status ApplyPropagation(int mount, const JsonValue& step, const char* destination) {
  const JsonValue* list = JsonMember(step, "propagation");
  if (list == nullptr || !list->IsArray()) return Status::Ok();
  for (const JsonValue& word : list->GetArray()) {
    const std::uint64_t value = ParsePropagation(JsonText(word));
    if (value == 0) return Status::Make("plan", EINVAL, JsonText(word));
    mount_attr change{};
    change.propagation = value & ~static_cast<std::uint64_t>(MS_REC);
    RETURN_IF_FAILED(ApplyAttributes(mount, change, (value & MS_REC) != 0, destination));
  }
  return Status::Ok();
}

}  // namespace runtime_ts
