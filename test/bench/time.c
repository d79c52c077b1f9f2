// time: runs a schedule of commands one after the other and prints what each cost.
//
// A benchmark's own spawn must not be in its figures: Node needs about a millisecond to start a process, this program
// a tenth of that. It is also small for the peak memory: Linux counts the pages of the process that called exec into
// the peak of the new one, so no figure can be below the size of its parent.
//
// usage: time SCHEDULE STDERR        standard output of the commands is discarded, standard error goes to STDERR
//        time --exit                 does nothing: the cost of starting a process, measured like everything else
//
// A line of the schedule is KEY<TAB>ARG0<TAB>ARG1...; the answer is one line: KEY, wall ns, cpu us, peak KiB, status.
// Keys that start with `!` are directives:
//   !sleep <TAB> MS             leave the machine idle
//   !reap <TAB> PIDFILE         wait for the end of that process, which its parent has left to us
//   !show <TAB> KEY <TAB> PIDFILE   memory of that process from smaps_rollup: KEY, private KiB, proportional KiB
// A command that fails ends the schedule with status 1.
#include <errno.h>
#include <fcntl.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { kMaxArgs = 64 };

extern char **environ;

static void die(const char *what) {
  fprintf(stderr, "time: %s: %s\n", what, strerror(errno));
  exit(2);
}

static long long nanoseconds(void) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return t.tv_sec * 1000000000LL + t.tv_nsec;
}

static long long microseconds(struct timeval t) { return t.tv_sec * 1000000LL + t.tv_usec; }

// Of all that has ended and been waited for, here or below.
static long long processor_time(void) {
  struct rusage usage;
  getrusage(RUSAGE_CHILDREN, &usage);
  return microseconds(usage.ru_utime) + microseconds(usage.ru_stime);
}

static pid_t read_pid(const char *path) {
  int pid = 0;
  FILE *f = fopen(path, "re");
  if (f == NULL || fscanf(f, "%d", &pid) != 1) die(path);
  fclose(f);
  return pid;
}

static void show_memory(const char *key, const char *pidfile) {
  char path[64], line[256];
  long kib, private_kib = 0, pss_kib = 0;
  snprintf(path, sizeof path, "/proc/%d/smaps_rollup", read_pid(pidfile));
  FILE *f = fopen(path, "re");
  if (f == NULL) die(path);
  while (fgets(line, sizeof line, f) != NULL) {
    if (sscanf(line, "Private_Clean: %ld", &kib) == 1 || sscanf(line, "Private_Dirty: %ld", &kib) == 1)
      private_kib += kib;
    if (sscanf(line, "Pss: %ld", &kib) == 1) pss_kib = kib;
  }
  fclose(f);
  printf("%s\t%ld\t%ld\n", key, private_kib, pss_kib);
}

static int measure(const char *key, char **argv, const posix_spawn_file_actions_t *streams) {
  struct rusage usage;
  int status;
  pid_t pid;
  long long cpu = processor_time();
  long long begin = nanoseconds();
  // glibc's posix_spawn is clone(CLONE_VM | CLONE_VFORK): our memory is not copied.
  errno = posix_spawn(&pid, argv[0], streams, NULL, argv, environ);
  if (errno != 0) die(argv[0]);
  while (wait4(pid, &status, 0, &usage) < 0)
    if (errno != EINTR) die("wait4");
  long long wall = nanoseconds() - begin;
  // What a runtime left behind for its parent to reap (an intermediate process) is part of its bill.
  while (waitpid(-1, NULL, WNOHANG) > 0) continue;
  cpu = processor_time() - cpu;
  int code = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
  printf("%s\t%lld\t%lld\t%ld\t%d\n", key, wall, cpu, usage.ru_maxrss, code);
  return code;
}

static int split(char *line, char **words) {
  int count = 0;
  line[strcspn(line, "\n")] = '\0';
  for (char *word = strtok(line, "\t"); word != NULL && count < kMaxArgs; word = strtok(NULL, "\t"))
    words[count++] = word;
  words[count] = NULL;
  return count;
}

static int directive(char **words, int count) {
  if (count == 2 && strcmp(words[0], "!sleep") == 0) {
    usleep((useconds_t)atoi(words[1]) * 1000);
  } else if (count == 2 && strcmp(words[0], "!reap") == 0) {
    pid_t pid = read_pid(words[1]);
    // ECHILD: it ended right after its parent and was reaped there already.
    if (waitpid(pid, NULL, 0) < 0 && errno != ECHILD) die("waitpid");
  } else if (count == 3 && strcmp(words[0], "!show") == 0) {
    show_memory(words[1], words[2]);
  } else {
    fprintf(stderr, "time: cannot read the schedule at %s\n", words[0]);
    return 2;
  }
  return 0;
}

int main(int argc, char **argv) {
  if (argc == 2 && strcmp(argv[1], "--exit") == 0) _exit(0);
  if (argc != 3) {
    fprintf(stderr, "usage: time SCHEDULE STDERR\n");
    return 2;
  }
  FILE *schedule = fopen(argv[1], "re");
  if (schedule == NULL) die(argv[1]);
  // A created container's init loses its parent when `create` ends; engines are its subreaper, and so are we.
  if (prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0) < 0) die("PR_SET_CHILD_SUBREAPER");
  posix_spawn_file_actions_t streams;
  posix_spawn_file_actions_init(&streams);
  posix_spawn_file_actions_addopen(&streams, 0, "/dev/null", O_RDONLY, 0);
  posix_spawn_file_actions_addopen(&streams, 1, "/dev/null", O_WRONLY, 0);
  posix_spawn_file_actions_addopen(&streams, 2, argv[2], O_WRONLY | O_CREAT | O_APPEND, 0600);

  static char line[65536];
  char *words[kMaxArgs + 1];
  while (fgets(line, sizeof line, schedule) != NULL) {
    int count = split(line, words);
    if (count == 0) continue;
    int status = words[0][0] == '!' ? directive(words, count) : measure(words[0], words + 1, &streams);
    if (status != 0) return status == 2 ? 2 : 1;
  }
  return 0;
}
