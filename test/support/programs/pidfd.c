// What --pidfd-socket talks to: `pidfd SOCKET` listens, takes one descriptor with the word beside it, tells both
// (the descriptor by the process that it stands for), waits until that process has ended, and tells this, too.
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

static int Fail(const char* what) {
  printf("failed %s %s\n", what, strerrorname_np(errno));
  return 1;
}

static long PidOf(int pidfd) {
  char path[64];
  snprintf(path, sizeof path, "/proc/self/fdinfo/%d", pidfd);
  FILE* file = fopen(path, "re");
  long pid = 0;
  char line[128];
  while (file && fgets(line, sizeof line, file)) sscanf(line, "Pid: %ld", &pid);
  if (file) fclose(file);
  return pid;
}

int main(int argc, char** argv) {
  setvbuf(stdout, NULL, _IONBF, 0);
  if (argc != 2) return 2;
  struct sockaddr_un address = {.sun_family = AF_UNIX};
  snprintf(address.sun_path, sizeof address.sun_path, "%s", argv[1]);
  int listener = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
  if (bind(listener, (struct sockaddr*)&address, sizeof address) != 0 || listen(listener, 1) != 0)
    return Fail("listen");
  int connection = accept4(listener, NULL, NULL, SOCK_CLOEXEC);
  if (connection < 0) return Fail("accept");

  char word[64] = "";
  char control[CMSG_SPACE(4 * sizeof(int))];
  struct iovec part = {word, sizeof word - 1};
  struct msghdr message = {.msg_iov = &part, .msg_iovlen = 1, .msg_control = control, .msg_controllen = sizeof control};
  if (recvmsg(connection, &message, MSG_CMSG_CLOEXEC) <= 0) return Fail("recvmsg");
  struct cmsghdr* rights = CMSG_FIRSTHDR(&message);
  if (!rights || rights->cmsg_len != CMSG_LEN(sizeof(int))) return Fail("one descriptor");
  int pidfd;
  memcpy(&pidfd, CMSG_DATA(rights), sizeof pidfd);
  printf("word %s\npid %ld\n", word, PidOf(pidfd));
  struct pollfd ended = {.fd = pidfd, .events = POLLIN};
  if (poll(&ended, 1, -1) != 1) return Fail("poll");
  printf("ended\n");
  return 0;
}
