// Unix sockets by path, of any length: sun_path holds 107 bytes, and state directories of engines are often deeper.
#pragma once

#include <sys/time.h>
#include <sys/types.h>

#include <string>
#include <string_view>

#include "binding/failure.h"
#include "common/unique_fd.h"

namespace runtime_ts {

// A socket bound to `path`, which must not exist yet, with this mode whatever the umask is.
Failure BindUnixSocket(const std::string& path, int type, mode_t mode, UniqueFd* socket);

// A socket connected to `path`; one that begins with @ is abstract. `patience` bounds this and every later send.
Failure ConnectUnixSocket(const std::string& path, int type, UniqueFd* socket, const timeval* patience = nullptr);

// Sends `text` with `fd` beside it (SCM_RIGHTS). On a stream that takes the text in pieces, the descriptor goes with
// the first. A failure names `receiver`.
Failure SendDescriptor(int socket, std::string_view text, int fd, const std::string& receiver);

}  // namespace runtime_ts
