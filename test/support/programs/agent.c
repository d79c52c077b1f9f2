// A seccomp agent: `agent SOCKET` listens, takes one container process state and its listener, tells of both, and
// answers the notifications that come: everything goes on, but for mkdir, which fails with EOPNOTSUPP.
// `agent SOCKET leave` ends as soon as it has the listener.
#include <errno.h>
#include <linux/seccomp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <unistd.h>

static int Fail(const char* what) {
  printf("failed %s %s\n", what, strerrorname_np(errno));
  return 1;
}

// Reads to the end of the connection; descriptors may come with the first message only.
static int Receive(int connection, int* listener) {
  static char text[65536];
  size_t length = 0;
  int messages = 0;
  for (;;) {
    char control[CMSG_SPACE(8 * sizeof(int))];
    struct iovec part = {text + length, sizeof text - length - 1};
    struct msghdr message = {
        .msg_iov = &part, .msg_iovlen = 1, .msg_control = control, .msg_controllen = sizeof control};
    ssize_t got = recvmsg(connection, &message, MSG_CMSG_CLOEXEC);
    if (got < 0) return Fail("recvmsg");
    if (got == 0) break;
    struct cmsghdr* rights = CMSG_FIRSTHDR(&message);
    size_t count = rights ? (rights->cmsg_len - CMSG_LEN(0)) / sizeof(int) : 0;
    printf("message %d fds %zu\n", messages++, count);
    if (count == 1) memcpy(listener, CMSG_DATA(rights), sizeof *listener);
    length += (size_t)got;
  }
  printf("state %s\n", text);
  return 0;
}

static int Answer(int listener) {
  struct seccomp_notif_sizes sizes;
  if (syscall(SYS_seccomp, SECCOMP_GET_NOTIF_SIZES, 0, &sizes) < 0) return Fail("sizes");
  struct seccomp_notif* request = malloc(sizes.seccomp_notif);
  struct seccomp_notif_resp* response = malloc(sizes.seccomp_notif_resp);
  for (;;) {
    memset(request, 0, sizes.seccomp_notif);
    memset(response, 0, sizes.seccomp_notif_resp);
    if (ioctl(listener, SECCOMP_IOCTL_NOTIF_RECV, request) < 0) {
      if (errno == EINTR) continue;
      // ENOENT: nobody is left who could ask.
      printf("end %s\n", strerrorname_np(errno));
      return 0;
    }
    response->id = request->id;
    const int is_mkdir = request->data.nr == SYS_mkdir || request->data.nr == SYS_mkdirat;
    if (is_mkdir) {
      response->error = -EOPNOTSUPP;
    } else {
      response->flags = SECCOMP_USER_NOTIF_FLAG_CONTINUE;
    }
    printf("call %d pid %u\n", request->data.nr, request->pid);
    if (ioctl(listener, SECCOMP_IOCTL_NOTIF_SEND, response) < 0 && errno != ENOENT) return Fail("send");
  }
}

int main(int argc, char** argv) {
  if (argc < 2) return 2;
  setvbuf(stdout, NULL, _IOLBF, 0);
  int server = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
  struct sockaddr_un address = {.sun_family = AF_UNIX};
  snprintf(address.sun_path, sizeof address.sun_path, "%s", argv[1]);
  if (bind(server, (struct sockaddr*)&address, sizeof address) != 0 || listen(server, 4) != 0) return Fail("listen");
  printf("listening\n");
  int listener = -1;
  int connection = accept(server, NULL, NULL);
  if (connection < 0) return Fail("accept");
  // Nobody else is to be let in: a second connection would be one too many.
  close(server);
  if (Receive(connection, &listener) != 0 || listener < 0) return 1;
  if (argc > 2) return 0;
  return Answer(listener);
}
