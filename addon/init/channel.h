// The init's end of the socketpair to the engine.
#pragma once

#include "common/frame.h"
#include "init/failure.h"

namespace runtime_ts {

class Channel {
 public:
  explicit Channel(int fd) : fd_(fd) {}

  [[nodiscard]] int fd() const { return fd_.get(); }

  // Nothing is sent before `barrier` reads end of file. The container's first process gets the pipe whose other end
  // its parent stage holds: so the engine always learns the pid (kPid, sent by the stage) before anything else.
  void SendAfter(UniqueFd barrier) { barrier_ = std::move(barrier); }

  Status Send(Frame kind, std::string_view payload = {}, int fd = -1);

  // Waits for a frame of this kind; the others the engine may send ahead of time are kept until somebody asks.
  // The end of the channel means that the engine died: then the whole process ends here, so that nothing is left.
  Status Receive(Frame kind, Message* message);

  void Close() { fd_.reset(); }
  // From now on the frames go to this connection (start.wait: whoever called `start` reads them).
  void Replace(UniqueFd fd) { fd_ = std::move(fd); }

 private:
  void WaitForBarrier();
  static int Slot(Frame kind);

  static constexpr int kSlots = 10;
  UniqueFd fd_;
  UniqueFd barrier_;
  Message early_[kSlots];
  bool is_early_[kSlots] = {};
};

}  // namespace runtime_ts
