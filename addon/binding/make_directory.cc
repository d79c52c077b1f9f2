#include "binding/make_directory.h"

#include <sys/stat.h>

namespace runtime_ts {

Failure MakeOneDirectory(const std::string& path, mode_t mode, bool* made) {
  *made = mkdir(path.c_str(), mode) == 0;
  if (*made) return {};
  if (errno != EEXIST) return Failed("mkdir", path);
  struct stat status {};
  if (stat(path.c_str(), &status) == -1) return Failed("stat", path);
  if (!S_ISDIR(status.st_mode)) return {"mkdir", EEXIST, path};
  return {};
}

Failure MakeDirectories(const std::string& path, mode_t mode, bool* made, std::vector<std::string>* parents) {
  // Nearly always only the last one is missing: try it first.
  Failure failure = MakeOneDirectory(path, mode, made);
  if (failure.number != ENOENT) return failure;
  for (std::size_t slash = path.find('/', 1); slash != std::string::npos; slash = path.find('/', slash + 1)) {
    bool parent_made = false;
    failure = MakeOneDirectory(path.substr(0, slash), mode, &parent_made);
    if (failure) return failure;
    if (parent_made && parents != nullptr) parents->push_back(path.substr(0, slash));
  }
  return MakeOneDirectory(path, mode, made);
}

}  // namespace runtime_ts
