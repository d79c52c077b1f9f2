// Between the caller's terminal (0 and 1) and the container's (the pty master).
#pragma once

#include <poll.h>
#include <termios.h>

#include <cstddef>

#include "common/unique_fd.h"

namespace runtime_ts {

// Bytes on their way from one descriptor to another.
class Flow {
 public:
  // `limit`: most bytes for one write(2), 0 for all.
  void Open(int from, int to, std::size_t limit);

  // Reads only into an empty buffer, so whoever reads slowly slows down whoever writes.
  [[nodiscard]] bool CanRead() const { return from_ >= 0 && begin_ == end_; }
  [[nodiscard]] bool CanWrite() const { return to_ >= 0 && begin_ < end_; }
  [[nodiscard]] bool IsOver() const { return from_ < 0 && !CanWrite(); }
  [[nodiscard]] int from() const { return from_; }
  [[nodiscard]] int to() const { return to_; }

  void Read();
  void Write();
  void Close();

 private:
  int from_ = -1;  // -1: at its end
  int to_ = -1;    // -1: nobody reads it any more; what comes is dropped
  std::size_t limit_ = 0;
  std::size_t begin_ = 0;
  std::size_t end_ = 0;
  char buffer_[16 * 1024];
};

// Gives the pty behind `master` the size of the caller's terminal, when there is one.
void CopyCallersSize(int master);

class TerminalRelay {
 public:
  TerminalRelay() = default;
  TerminalRelay(const TerminalRelay&) = delete;
  TerminalRelay& operator=(const TerminalRelay&) = delete;
  ~TerminalRelay();  // the caller's terminal as it was

  // Takes the caller's terminal into raw mode and gives the container's its size.
  void Open(int master);

  // SIGWINCH.
  void Resize() const { CopyCallersSize(master_); }

  // Adds what to poll for to `fds`, at most four; then does what poll found.
  [[nodiscard]] nfds_t Prepare(pollfd* fds) const;
  void Run(const pollfd* fds, nfds_t count);

  // What the caller types from now on is for the shell.
  void CloseInput() { input_.Close(); }

  // Everything that the container wrote has gone to standard output.
  [[nodiscard]] bool IsDrained() const { return output_.IsOver(); }
  [[nodiscard]] bool HasOutput() const { return output_.CanWrite(); }

 private:
  int master_ = -1;
  bool raw_ = false;
  termios before_{};
  UniqueFd own_slave_;
  UniqueFd own_stdout_;
  Flow input_;
  Flow output_;
};

}  // namespace runtime_ts
