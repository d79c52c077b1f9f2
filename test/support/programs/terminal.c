// A terminal for the tests: `terminal run COMMAND...` starts a command on a new pty and is what a terminal emulator
// would be to it; `terminal receive SOCKET` is what an engine is to a detached container: it takes one pty master
// from the console socket. Both relay standard input to the master and the master to standard output.
//
// Descriptor 3 takes orders, one a line; descriptor 4 gives answers:
//   size ROWS COLUMNS   sets the window size, which signals the foreground process group of the pty
//   flags               answers `flags` and the termios modes that are set, of echo, icanon, isig, onlcr
//   quit                closes the master: the line is hung up
// At the end `run` answers `exit STATUS` (128 + signal when killed), after the modes that it left behind.
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <termios.h>
#include <unistd.h>

enum { kOrders = 3, kAnswers = 4 };

static void Die(const char* what) {
  perror(what);
  exit(125);
}

static void Answer(const char* format, ...) {
  va_list args;
  va_start(args, format);
  vdprintf(kAnswers, format, args);
  va_end(args);
}

static void AnswerFlags(int fd) {
  struct termios modes;
  if (tcgetattr(fd, &modes) != 0) {
    Answer("flags unknown: %s\n", strerror(errno));
    return;
  }
  Answer("flags%s%s%s%s\n", modes.c_lflag & ECHO ? " echo" : "", modes.c_lflag & ICANON ? " icanon" : "",
         modes.c_lflag & ISIG ? " isig" : "", modes.c_oflag & ONLCR ? " onlcr" : "");
}

static void Copy(int from, int to, short* closed) {
  char buffer[4096];
  ssize_t length = read(from, buffer, sizeof buffer);
  if (length <= 0) {
    *closed = 1;
    return;
  }
  for (ssize_t at = 0; at < length;) {
    ssize_t written = write(to, buffer + at, (size_t)(length - at));
    if (written <= 0) {
      *closed = 1;
      return;
    }
    at += written;
  }
}

// Reads what there is and obeys; false when the line is to be hung up.
static int Obey(int master, short* closed) {
  static char text[256];
  static size_t used;
  ssize_t length = read(kOrders, text + used, sizeof text - used - 1);
  if (length <= 0) {
    *closed = 1;
    return 1;
  }
  used += (size_t)length;
  text[used] = '\0';
  for (char* end; (end = strchr(text, '\n')) != NULL;) {
    *end = '\0';
    struct winsize size = {0};
    if (sscanf(text, "size %hu %hu", &size.ws_row, &size.ws_col) == 2) {
      if (ioctl(master, TIOCSWINSZ, &size) != 0) Answer("size failed: %s\n", strerror(errno));
    } else if (strcmp(text, "flags") == 0) {
      AnswerFlags(master);
    } else if (strcmp(text, "quit") == 0) {
      return 0;
    }
    used -= (size_t)(end + 1 - text);
    memmove(text, end + 1, used + 1);
  }
  return 1;
}

static int child_pipe[2];

static void OnChild(int signal) {
  (void)signal;
  if (write(child_pipe[1], "", 1) < 0) _exit(125);
}

static void Relay(int master, int child_events) {
  struct pollfd fds[] = {{0, POLLIN, 0}, {master, POLLIN, 0}, {kOrders, POLLIN, 0}, {child_events, POLLIN, 0}};
  if (fcntl(kOrders, F_GETFD) < 0) fds[2].fd = -1;
  for (;;) {
    if (poll(fds, 4, -1) < 0) {
      if (errno == EINTR) continue;
      Die("poll");
    }
    short closed = 0;
    if (fds[1].revents) {
      Copy(master, 1, &closed);
      if (closed) return;  // EIO: the last slave is closed
    }
    if (fds[0].revents) {
      Copy(0, master, &closed);
      if (closed) fds[0].fd = -1;
    }
    closed = 0;
    if (fds[2].revents) {
      if (!Obey(master, &closed)) return;
      if (closed) fds[2].fd = -1;
    }
    if (fds[3].revents && !fds[1].revents) return;
  }
}

static int Run(char** command) {
  int master = posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC);
  if (master < 0 || grantpt(master) != 0 || unlockpt(master) != 0) Die("posix_openpt");
  // Held open, so that its modes outlive the command.
  int slave = open(ptsname(master), O_RDWR | O_NOCTTY | O_CLOEXEC);
  if (slave < 0) Die("open pty");
  struct winsize size = {.ws_row = 24, .ws_col = 80};
  ioctl(master, TIOCSWINSZ, &size);

  if (pipe2(child_pipe, O_CLOEXEC) != 0) Die("pipe2");
  struct sigaction action = {.sa_handler = OnChild, .sa_flags = SA_NOCLDSTOP | SA_RESTART};
  sigaction(SIGCHLD, &action, NULL);
  pid_t child = fork();
  if (child < 0) Die("fork");
  if (child == 0) {
    setsid();
    if (ioctl(slave, TIOCSCTTY, 0) != 0) Die("TIOCSCTTY");
    for (int fd = 0; fd <= 2; fd++) dup2(slave, fd);
    close(kOrders);
    close(kAnswers);
    execvp(command[0], command);
    Die(command[0]);
  }
  Relay(master, child_pipe[0]);

  // `quit` leaves the command running: hanging up must be what ends it.
  AnswerFlags(slave);
  close(slave);
  close(master);
  int status;
  while (waitpid(child, &status, 0) < 0) {
    if (errno != EINTR) Die("waitpid");
  }
  Answer("exit %d\n", WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status));
  return 0;
}

static int Receive(const char* path) {
  int listener = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
  struct sockaddr_un address = {.sun_family = AF_UNIX};
  snprintf(address.sun_path, sizeof address.sun_path, "%s", path);
  if (listener < 0 || bind(listener, (struct sockaddr*)&address, sizeof address) != 0 || listen(listener, 1) != 0) {
    Die(path);
  }
  Answer("listening\n");
  int connection = accept(listener, NULL, NULL);
  if (connection < 0) Die("accept");

  char name[4096];
  char control[CMSG_SPACE(8 * sizeof(int))];
  struct iovec payload = {name, sizeof name - 1};
  struct msghdr message = {
      .msg_iov = &payload, .msg_iovlen = 1, .msg_control = control, .msg_controllen = sizeof control};
  ssize_t length = recvmsg(connection, &message, MSG_CMSG_CLOEXEC);
  if (length < 0) Die("recvmsg");
  name[length] = '\0';
  struct cmsghdr* rights = CMSG_FIRSTHDR(&message);
  size_t count = rights ? (rights->cmsg_len - CMSG_LEN(0)) / sizeof(int) : 0;
  Answer("received %zu %s\n", count, name);
  if (count != 1) return 1;
  int master;
  memcpy(&master, CMSG_DATA(rights), sizeof master);
  AnswerFlags(master);
  Relay(master, -1);
  Answer("hangup\n");
  return 0;
}

int main(int argc, char** argv) {
  signal(SIGPIPE, SIG_IGN);
  if (argc >= 3 && strcmp(argv[1], "run") == 0) return Run(argv + 2);
  if (argc == 3 && strcmp(argv[1], "receive") == 0) return Receive(argv[2]);
  fprintf(stderr, "usage: terminal run COMMAND... | terminal receive SOCKET\n");
  return 125;
}
