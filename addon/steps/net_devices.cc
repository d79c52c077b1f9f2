// netDevices.wait.
#include "steps/steps.h"

namespace runtime_ts {

// The engine moves the devices: it takes capabilities over the host's network namespace, which the first process of a
// container with a user namespace does not have.
Status steps::WaitForNetDevices(Context& context, const JsonValue&) {
  Message done;
  RETURN_IF_FAILED(context.channel.Send(Frame::kNetDevices));
  return context.channel.Receive(Frame::kNetDevicesDone, &done);
}

}  // namespace runtime_ts
