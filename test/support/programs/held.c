// What a process holds while its container is saved and brought back: `held KIND GO ...`. It takes hold, prints
// `ready`, waits until the file GO exists, and prints what is left of it; then it stays.
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

static const char* go;

static void Wait(void) {
  printf("ready\n");
  while (access(go, F_OK) != 0) usleep(50000);
}

static int Failed(const char* what) {
  printf("%s: %s\n", what, strerrorname_np(errno));
  return 1;
}

// Both kinds of locks; another process finds out whether they are held.
static int Locks(const char* path) {
  int whole = open(path, O_RDWR | O_CREAT, 0600);
  int part = open(path, O_RDWR);
  struct flock lock = {.l_type = F_WRLCK, .l_whence = SEEK_SET, .l_start = 0, .l_len = 10};
  if (flock(whole, LOCK_EX) != 0 || fcntl(part, F_SETLK, &lock) != 0) return Failed("lock");
  Wait();
  pid_t child = fork();
  if (child == 0) {
    int other = open(path, O_RDWR);
    int taken = flock(other, LOCK_EX | LOCK_NB);
    printf("flock %s\n", taken == 0 ? "ok" : strerrorname_np(errno));
    struct flock asked = {.l_type = F_WRLCK, .l_whence = SEEK_SET, .l_start = 5, .l_len = 1};
    if (fcntl(other, F_GETLK, &asked) != 0) return Failed("F_GETLK");
    printf("posix %s\n", asked.l_type == F_UNLCK ? "free" : asked.l_pid == getppid() ? "held" : "of another");
    _exit(0);
  }
  waitpid(child, NULL, 0);
  return 0;
}

// A file whose name is gone, while another name of it is there.
static int Remapped(const char* name, const char* other) {
  int fd = open(name, O_RDWR | O_CREAT, 0600);
  if (fd < 0 || write(fd, "before ", 7) != 7 || link(name, other) != 0 || unlink(name) != 0) return Failed(name);
  Wait();
  struct stat open_file, named;
  if (write(fd, "after", 5) != 5 || fstat(fd, &open_file) != 0 || stat(other, &named) != 0) return Failed(other);
  printf("%s file, links %ld\n", open_file.st_ino == named.st_ino ? "same" : "another", (long)open_file.st_nlink);
  return 0;
}

// Datagrams to a socket of the host.
static int Datagrams(const char* path) {
  int fd = socket(AF_UNIX, SOCK_DGRAM, 0);
  struct sockaddr_un address = {.sun_family = AF_UNIX};
  snprintf(address.sun_path, sizeof address.sun_path, "%s", path);
  if (connect(fd, (struct sockaddr*)&address, sizeof address) != 0) return Failed("connect");
  if (send(fd, "before", 6, 0) != 6) return Failed("send");
  Wait();
  if (send(fd, "after", 5, 0) != 5) return Failed("send");
  printf("sent\n");
  return 0;
}

// A TCP connection over the loopback device, with bytes on the way. When it is not accepted, it is in flight.
static int Connection(int accepted) {
  struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons(700)};
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  int listener = socket(AF_INET, SOCK_STREAM, 0), one = 1;
  setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one);
  if (bind(listener, (struct sockaddr*)&address, sizeof address) != 0 || listen(listener, 4) != 0)
    return Failed("listen");
  int client = socket(AF_INET, SOCK_STREAM, 0);
  if (connect(client, (struct sockaddr*)&address, sizeof address) != 0) return Failed("connect");
  int server = accepted ? accept(listener, NULL, NULL) : -1;
  if (write(client, "before", 6) != 6) return Failed("write");
  if (!accepted) close(client);
  Wait();
  if (!accepted) {
    // Whoever comes now is the first.
    client = socket(AF_INET, SOCK_STREAM, 0);
    if (connect(client, (struct sockaddr*)&address, sizeof address) != 0) return Failed("connect");
    server = accept(listener, NULL, NULL);
  }
  char text[32] = "";
  if (write(client, "after", 5) != 5) return Failed("write");
  for (size_t length = 0; strstr(text, "after") == NULL;) {
    ssize_t more = read(server, text + length, sizeof text - 1 - length);
    if (more <= 0) return more == 0 ? (printf("closed\n"), 1) : Failed("read");
    length += (size_t)more;
  }
  if (write(server, "answer", 6) != 6 || read(client, text + 20, 6) != 6) return Failed("answer");
  printf("got %s, %s\n", text, text + 20);
  return 0;
}

// Memory: every page with its number, and the first ones rewritten after the first `ready`, when GO.1 exists.
static int Memory(size_t mebibytes) {
  const size_t pages = mebibytes << 8;
  char* memory = mmap(NULL, pages << 12, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (memory == MAP_FAILED) return Failed("mmap");
  for (size_t i = 0; i < pages; i++) ((size_t*)memory)[i << 9] = i + 1;
  char first[256];
  snprintf(first, sizeof first, "%s.1", go);
  printf("filled\n");
  while (access(first, F_OK) != 0 && access(go, F_OK) != 0) usleep(50000);
  for (size_t i = 0; i < pages / 2; i++) ((size_t*)memory)[i << 9] = pages + i;
  Wait();
  size_t wrong = 0;
  for (size_t i = 0; i < pages; i++) wrong += ((size_t*)memory)[i << 9] != (i < pages / 2 ? pages + i : i + 1);
  printf("%zu pages, %zu wrong\n", pages, wrong);
  return 0;
}

int main(int argc, char** argv) {
  if (argc < 3) return 2;
  const char* kind = argv[1];
  go = argv[2];
  setvbuf(stdout, NULL, _IOLBF, 0);
  int failed = 2;
  if (strcmp(kind, "locks") == 0 && argc == 4) failed = Locks(argv[3]);
  if (strcmp(kind, "remapped") == 0 && argc == 5) failed = Remapped(argv[3], argv[4]);
  if (strcmp(kind, "datagrams") == 0 && argc == 4) failed = Datagrams(argv[3]);
  if (strcmp(kind, "connection") == 0) failed = Connection(1);
  if (strcmp(kind, "in-flight") == 0) failed = Connection(0);
  if (strcmp(kind, "memory") == 0 && argc == 4) failed = Memory(strtoul(argv[3], NULL, 0));
  printf("end %d\n", failed);
  for (;;) pause();
}
