// What busybox cannot ask the kernel. Runs in containers (static) and, for `exchange`, beside them on the host.
// Each command prints one line: `ok RESULT` or the name of the errno.
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

static int Report(long result) {
  if (result < 0) {
    printf("%s\n", strerrorname_np(errno));
    return 1;
  }
  printf("ok %ld\n", result);
  return 0;
}

// System calls with harmless arguments, for filters to refuse.
static long Call(const char* name, char** args) {
  if (strcmp(name, "getcwd") == 0) {
    char path[4096];
    return syscall(SYS_getcwd, path, sizeof path);
  }
  if (strcmp(name, "mkdir") == 0) return mkdirat(AT_FDCWD, args[0], 0755);
  if (strcmp(name, "personality") == 0) return syscall(SYS_personality, strtoul(args[0], NULL, 0));
  if (strcmp(name, "getpriority") == 0) return syscall(SYS_getpriority, 0, 0);
  if (strcmp(name, "socket") == 0) return socket(atoi(args[0]), SOCK_STREAM, 0);
  if (strcmp(name, "unshare") == 0) return unshare((int)strtol(args[0], NULL, 0));
  if (strcmp(name, "setrlimit-nofile") == 0) {
    struct rlimit limit = {strtoul(args[0], NULL, 0), strtoul(args[0], NULL, 0)};
    return setrlimit(RLIMIT_NOFILE, &limit);
  }
  // Numbers around 2^32 and 2^63 show whether a filter compares all 64 bits of an argument.
  if (strcmp(name, "lseek") == 0) return syscall(SYS_lseek, -1, strtoul(args[0], NULL, 0), SEEK_SET);
  errno = ENOSYS;
  return -1;
}

static int Limits(void) {
  static const struct {
    const char* name;
    int resource;
  } kLimits[] = {{"RLIMIT_AS", RLIMIT_AS},
                 {"RLIMIT_CORE", RLIMIT_CORE},
                 {"RLIMIT_CPU", RLIMIT_CPU},
                 {"RLIMIT_DATA", RLIMIT_DATA},
                 {"RLIMIT_FSIZE", RLIMIT_FSIZE},
                 {"RLIMIT_NOFILE", RLIMIT_NOFILE},
                 {"RLIMIT_NPROC", RLIMIT_NPROC},
                 {"RLIMIT_STACK", RLIMIT_STACK},
                 {"RLIMIT_NICE", RLIMIT_NICE},
                 {"RLIMIT_RTPRIO", RLIMIT_RTPRIO},
                 {"RLIMIT_LOCKS", RLIMIT_LOCKS},
                 {"RLIMIT_MEMLOCK", RLIMIT_MEMLOCK},
                 {"RLIMIT_RSS", RLIMIT_RSS},
                 {"RLIMIT_RTTIME", RLIMIT_RTTIME},
                 {"RLIMIT_MSGQUEUE", RLIMIT_MSGQUEUE},
                 {"RLIMIT_SIGPENDING", RLIMIT_SIGPENDING}};
  for (size_t i = 0; i < sizeof kLimits / sizeof kLimits[0]; i++) {
    struct rlimit limit;
    if (getrlimit((__rlimit_resource_t)kLimits[i].resource, &limit) != 0) return Report(-1);
    printf("%s %llu %llu\n", kLimits[i].name, (unsigned long long)limit.rlim_cur, (unsigned long long)limit.rlim_max);
  }
  return 0;
}

static int Notify(const char* text) {
  const char* path = getenv("NOTIFY_SOCKET");
  struct sockaddr_un address = {.sun_family = AF_UNIX};
  if (path == NULL) {
    printf("unset\n");
    return 1;
  }
  snprintf(address.sun_path, sizeof address.sun_path, "%s", path);
  int fd = socket(AF_UNIX, SOCK_DGRAM, 0);
  return Report(sendto(fd, text, strlen(text), 0, (struct sockaddr*)&address, sizeof address));
}

// Receives datagrams on a socket of its own, as systemd would; descriptors (the barrier's pipe) are closed at once.
static int Listen(const char* path) {
  int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
  struct sockaddr_un address = {.sun_family = AF_UNIX};
  snprintf(address.sun_path, sizeof address.sun_path, "%s", path);
  if (bind(fd, (struct sockaddr*)&address, sizeof address) != 0) return Report(-1);
  printf("listening\n");
  for (;;) {
    char text[4096];
    char control[CMSG_SPACE(8 * sizeof(int))];
    struct iovec payload = {text, sizeof text};
    struct msghdr message = {
        .msg_iov = &payload, .msg_iovlen = 1, .msg_control = control, .msg_controllen = sizeof control};
    ssize_t length = recvmsg(fd, &message, MSG_CMSG_CLOEXEC);
    if (length < 0) return Report(-1);
    struct cmsghdr* rights = CMSG_FIRSTHDR(&message);
    for (size_t i = 0; rights && i < (rights->cmsg_len - CMSG_LEN(0)) / sizeof(int); i++) {
      close(((int*)CMSG_DATA(rights))[i]);
    }
    printf("datagram %.*s\n", (int)length, text);
    fflush(stdout);
  }
}

static long Touch(long mebibytes) {
  size_t size = (size_t)mebibytes << 20;
  char* memory = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (memory == MAP_FAILED) return -1;
  memset(memory, 1, size);
  return mebibytes;
}

// Holds an exclusive lock on each of the directories until it is killed.
static void Lock(int count, char** paths) {
  int held = 0;
  for (int i = 0; i < count; i++) {
    int fd = open(paths[i], O_RDONLY | O_DIRECTORY);
    if (fd >= 0 && flock(fd, LOCK_EX | LOCK_NB) == 0) held++;
  }
  printf("locked %d\n", held);
  for (;;) pause();
}

// Makes cgroups within cgroups, each with a name of 200 characters, goes into the last one and stays.
static void Nest(const char* directory, int count) {
  char name[201] = {0};
  memset(name, 'x', 200);
  int made = 0;
  if (chdir(directory) == 0) {
    while (made < count && mkdir(name, 0755) == 0 && chdir(name) == 0) made++;
  }
  int procs = open("cgroup.procs", O_WRONLY);
  printf("nested %d %s\n", made, procs >= 0 && write(procs, "0", 1) == 1 ? "inside" : "outside");
  for (;;) pause();
}

int main(int argc, char** argv) {
  const char* command = argc > 1 ? argv[1] : "";
  setvbuf(stdout, NULL, _IOLBF, 0);
  if (strcmp(command, "call") == 0 && argc >= 3) return Report(Call(argv[2], argv + 3));
  if (strcmp(command, "limits") == 0) return Limits();
  if (strcmp(command, "notify") == 0 && argc == 3) return Notify(argv[2]);
  if (strcmp(command, "listen") == 0 && argc == 3) return Listen(argv[2]);
  if (strcmp(command, "touch") == 0 && argc == 3) return Report(Touch(atol(argv[2])));
  if (strcmp(command, "open-write") == 0 && argc == 3) return Report(open(argv[2], O_WRONLY));
  if (strcmp(command, "open-read") == 0 && argc == 3) return Report(open(argv[2], O_RDONLY | O_NONBLOCK));
  if (strcmp(command, "lock") == 0) Lock(argc - 2, argv + 2);
  if (strcmp(command, "nest") == 0 && argc == 4) Nest(argv[2], atoi(argv[3]));
  if (strcmp(command, "euid") == 0) return Report(geteuid());
  if (strcmp(command, "dumpable") == 0) return Report(prctl(PR_GET_DUMPABLE));
  if (strcmp(command, "clock") == 0 && argc == 3) {
    // Microseconds of one clock, as the vDSO of this process has it.
    struct timespec now;
    if (clock_gettime(atoi(argv[2]), &now) != 0) return Report(-1);
    return Report(now.tv_sec * 1000000L + now.tv_nsec / 1000);
  }
  if (strcmp(command, "mknod") == 0 && argc == 5) {
    return Report(mknod(argv[2], S_IFCHR | 0600, makedev((unsigned)atoi(argv[3]), (unsigned)atoi(argv[4]))));
  }
  if (strcmp(command, "signals") == 0) {
    // Tells each signal that comes by its number, until SIGTERM; what cannot be caught is not asked for.
    sigset_t all;
    sigfillset(&all);
    sigprocmask(SIG_BLOCK, &all, NULL);
    printf("ready\n");
    for (int number;;) {
      if (sigwait(&all, &number) != 0) return 1;
      printf("signal %d\n", number);
      if (number == SIGTERM) return 42;
    }
  }
  if (strcmp(command, "exchange") == 0 && argc == 4) {
    for (;;) renameat2(AT_FDCWD, argv[2], AT_FDCWD, argv[3], RENAME_EXCHANGE);
  }
  fprintf(stderr, "probe: unknown command %s\n", command);
  return 2;
}
