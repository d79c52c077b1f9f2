#include "steps/mount_idmap.h"

#include <cstdio>

namespace runtime_ts {

Status MapMountIds(Context& context, const JsonValue& step, int mount) {
  if (JsonMember(step, "idmap") == nullptr) return Status::Ok();
  char index[16];
  const int length = snprintf(index, sizeof index, "%u", context.index);
  RETURN_IF_FAILED(context.channel.Send(Frame::kMapMount, {index, static_cast<std::size_t>(length)}, mount));
  Message done;
  return context.channel.Receive(Frame::kMapMountDone, &done);
}

}  // namespace runtime_ts
