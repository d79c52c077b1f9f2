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
  // Waits for a frame of this kind and keeps it until somebody asks, who may do that after Replace.
  Status Fetch(Frame kind);

  // For a filter with a listener: before it is loaded, and after. The second returns when the engine has read all that
  // it wrote, which is when the listener has reached its agent, and it makes no system call but one write(2).
  Status PrepareListener(Buffer* frames);
  Status SendListener(Buffer* frames, int listener);

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
