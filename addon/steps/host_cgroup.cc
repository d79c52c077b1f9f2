// Steps on cgroupfs.
#include <string>
#include <string_view>

#include "binding/file_content.h"
#include "binding/make_directory.h"
#include "steps/host_steps.h"

namespace runtime_ts {
namespace {

bool IsBlank(std::string_view text) { return text.find_first_not_of(" \n\t") == std::string_view::npos; }

std::string Parent(const std::string& path) { return path.substr(0, path.rfind('/')); }

// Fills `directory`/`file` from its parents, up to and without `root`, whose value is always set.
Failure InheritFromParents(const std::string& directory, const std::string& root, const std::string& file) {
  std::string own;
  if (Failure failure = ReadWhole(directory + "/" + file, &own)) return failure;
  if (!IsBlank(own) || directory.size() <= root.size()) return {};
  const std::string parent = Parent(directory);
  if (Failure failure = InheritFromParents(parent, root, file)) return failure;
  std::string value;
  if (Failure failure = ReadWhole(parent + "/" + file, &value)) return failure;
  return WriteOnce(directory + "/" + file, value);
}

}  // namespace

Failure CreateCgroup(const JsonValue& step) {
  bool made = false;
  return MakeDirectories(JsonString(step, "path", ""), 0755, &made);
}

Failure WriteCgroup(const JsonValue& step) {
  Failure failure = WriteOnce(JsonString(step, "path", ""), JsonString(step, "value", ""));
  const bool missing = failure.number == ENOENT && std::string_view(failure.syscall) == "open";
  return missing && JsonBool(step, "optional") ? Failure{} : failure;
}

Failure InheritCgroup(const JsonValue& step) {
  return InheritFromParents(JsonString(step, "path", ""), JsonString(step, "root", ""), JsonString(step, "file", ""));
}

}  // namespace runtime_ts
