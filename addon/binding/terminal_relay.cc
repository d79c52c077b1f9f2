#include "binding/terminal_relay.h"

#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <algorithm>

#include "binding/terminal_guard.h"

namespace runtime_ts {
namespace {

// The caller's terminal: standard input, or output when that is redirected.
int CallerTerminal() {
  for (const int fd : {STDIN_FILENO, STDOUT_FILENO, STDERR_FILENO}) {
    if (isatty(fd) == 1) return fd;
  }
  return -1;
}

// Restoring from the background would stop us (SIGTTOU); blocked, the kernel lets it pass.
void SetQuietly(int fd, const termios& settings) {
  sigset_t output;
  sigset_t before;
  sigemptyset(&output);
  sigaddset(&output, SIGTTOU);
  pthread_sigmask(SIG_BLOCK, &output, &before);
  tcsetattr(fd, TCSANOW, &settings);
  pthread_sigmask(SIG_SETMASK, &before, nullptr);
}

}  // namespace

void CopyCallersSize(int master) {
  winsize size{};
  const int terminal = CallerTerminal();
  if (terminal >= 0 && ioctl(terminal, TIOCGWINSZ, &size) == 0) ioctl(master, TIOCSWINSZ, &size);
}

void Flow::Open(int from, int to, std::size_t limit) {
  from_ = from;
  to_ = to;
  limit_ = limit;
}

void Flow::Close() {
  from_ = to_ = -1;
  begin_ = end_ = 0;
}

void Flow::Read() {
  const ssize_t count = RetryOnEintr([&] { return read(from_, buffer_, sizeof buffer_); });
  if (count == -1 && errno == EAGAIN) return;
  // A pty master says EIO when its last slave is closed, a terminal when its session is gone.
  if (count <= 0) {
    from_ = -1;
    return;
  }
  begin_ = 0;
  end_ = to_ >= 0 ? static_cast<std::size_t>(count) : 0;
}

void Flow::Write() {
  const std::size_t size = limit_ == 0 ? end_ - begin_ : std::min(end_ - begin_, limit_);
  const ssize_t count = RetryOnEintr([&] { return write(to_, buffer_ + begin_, size); });
  if (count >= 0) {
    begin_ += static_cast<std::size_t>(count);
  } else if (errno != EAGAIN) {
    // EPIPE, most often (engines ignore SIGPIPE). The container goes on, as behind `| head`.
    to_ = -1;
    begin_ = end_ = 0;
  }
}

void TerminalRelay::Open(int master) {
  master_ = master;
  fcntl(master, F_SETFL, fcntl(master, F_GETFL) | O_NONBLOCK);
  // While we hold a slave, the line is never hung up, whoever closes it inside: a process may close 0, 1 and 2 and come
  // back through /dev/tty. (Without, poll would say POLLHUP without pause in between.)
  own_slave_.reset(ioctl(master, TIOCGPTPEER, O_RDWR | O_NOCTTY | O_CLOEXEC));

  // A write to a stopped terminal (Ctrl-S) would block, and signals would wait. O_NONBLOCK on descriptor 1 itself
  // would be seen by everyone who shares it, the shell first: a second opening of the terminal has flags of its own.
  // To a pipe, what poll(2) allows and PIPE_BUF bounds does not block.
  int out = STDOUT_FILENO;
  if (isatty(STDOUT_FILENO) == 1) {
    own_stdout_.reset(open("/proc/self/fd/1", O_WRONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC));
    if (own_stdout_) out = own_stdout_.get();
  }
  input_.Open(STDIN_FILENO, master, 0);
  output_.Open(master, out, own_stdout_ ? 0 : PIPE_BUF);

  Resize();
  if (isatty(STDIN_FILENO) != 1 || tcgetattr(STDIN_FILENO, &before_) == -1) return;
  termios raw = before_;
  cfmakeraw(&raw);
  // Output processing stays on, because the container's pty no longer turns \n into \r\n: it has lost ONLCR, as with
  // runc (1.1, by strace), which sets the two terminals just so.
  raw.c_oflag |= OPOST;
  // In the background this stops us (SIGTTOU keeps its default), until the shell brings us forward.
  raw_ = tcsetattr(STDIN_FILENO, TCSANOW, &raw) == 0;
  if (raw_) ArmTerminalGuard(before_);
}

TerminalRelay::~TerminalRelay() {
  if (!raw_) return;
  SetQuietly(STDIN_FILENO, before_);
  DisarmTerminalGuard();
}

nfds_t TerminalRelay::Prepare(pollfd* fds) const {
  nfds_t count = 0;
  for (const Flow* flow : {&input_, &output_}) {
    if (flow->CanRead()) fds[count++] = {flow->from(), POLLIN, 0};
    if (flow->CanWrite()) fds[count++] = {flow->to(), POLLOUT, 0};
  }
  return count;
}

void TerminalRelay::Run(const pollfd* fds, nfds_t count) {
  for (nfds_t i = 0; i < count; i++) {
    if (fds[i].revents == 0) continue;
    for (Flow* flow : {&input_, &output_}) {
      if (fds[i].events == POLLIN && fds[i].fd == flow->from() && flow->CanRead()) flow->Read();
      if (fds[i].events == POLLOUT && fds[i].fd == flow->to() && flow->CanWrite()) flow->Write();
    }
  }
}

}  // namespace runtime_ts
