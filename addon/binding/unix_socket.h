// Unix sockets by path, of any length: sun_path holds 107 bytes, and state directories of engines are often deeper.
#pragma once

#include <sys/time.h>
#include <sys/types.h>

#include <string>

#include "binding/failure.h"
#include "common/unique_fd.h"

namespace runtime_ts {

// A socket bound to `path`, which must not exist yet, with this mode whatever the umask is.
Failure BindUnixSocket(const std::string& path, int type, mode_t mode, UniqueFd* socket);

// A socket connected to `path`; one that begins with @ is abstract. `patience` bounds this and every later send.
Failure ConnectUnixSocket(const std::string& path, int type, UniqueFd* socket, const timeval* patience = nullptr);

}  // namespace runtime_ts
