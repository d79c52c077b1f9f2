// floor: the kernel work of `run` of /bin/true for the bundle that bench.ts makes, and nothing else.
//
// It parses no configuration, checks nothing for safety (the rootfs is trusted here) and reports little, so what it
// costs is what the kernel charges any runtime for such a container. The order of the work is the fastest we know:
//
//  - the parent makes the cgroups while the child mounts;
//  - the child moves itself into the v1 cgroups by writing 0 to `tasks`. Writing a pid to cgroup.procs takes
//    cgroup_threadgroup_rwsem for writing, which waits for an RCU grace period: up to 20 ms on an idle machine
//    (Linux >= 5.5 spares a thread that moves itself). On v2, clone3(CLONE_INTO_CGROUP) avoids the move.
//
// usage: floor [--trace] ROOTFS          needs root; removes its cgroups before it exits
#include <errno.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <linux/keyctl.h>
#include <linux/sched.h>
#include <net/if.h>
#include <sched.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { kMaxHierarchies = 32, kCgroupsMade = 1, kCgroupsFailed = 2, kHarden = MS_NOSUID | MS_NODEV | MS_NOEXEC };

struct hierarchy {
  char *path;  // of its mount point
  int fd;
  int cpuset, devices;
};

static struct hierarchy hierarchies[kMaxHierarchies];
static int hierarchy_count;
static int unified;    // v2 only: hierarchies[0] is its mount
static char name[32];  // of the cgroup in each hierarchy
static int trace;

static void die(const char *what) {
  fprintf(stderr, "floor: %s: %s\n", what, strerror(errno));
  _exit(1);
}

static void must(int result, const char *what) {
  if (result < 0) die(what);
}

// Time since the lap before, of this process (parent and child each count their own).
static void lap(const char *what) {
  static struct timespec last;
  struct timespec now;
  if (!trace) return;
  clock_gettime(CLOCK_MONOTONIC, &now);
  if (last.tv_sec != 0)
    fprintf(stderr, "%s %7ld us  %s\n", getpid() == 1 ? "container" : "parent   ",
            (now.tv_sec - last.tv_sec) * 1000000 + (now.tv_nsec - last.tv_nsec) / 1000, what);
  clock_gettime(CLOCK_MONOTONIC, &last);
}

static void add_hierarchy(const char *path, const char *options) {
  if (hierarchy_count == kMaxHierarchies) return;
  struct hierarchy *h = &hierarchies[hierarchy_count++];
  h->path = strdup(path);
  h->fd = open(path, O_PATH | O_DIRECTORY | O_CLOEXEC);
  must(h->fd, path);
  h->cpuset = strstr(options, "cpuset") != NULL;
  h->devices = strstr(options, "devices") != NULL;
}

// Fields 5 (mount point), then after " - " the type, source and superblock options; proc(5).
static void read_hierarchies(void) {
  char line[4096], point[256], type[64], options[1024], v2[256] = "";
  FILE *f = fopen("/proc/self/mountinfo", "re");
  if (f == NULL) die("/proc/self/mountinfo");
  while (fgets(line, sizeof line, f) != NULL) {
    char *tail = strstr(line, " - ");
    if (tail == NULL || sscanf(line, "%*s %*s %*s %*s %255s", point) != 1 ||
        sscanf(tail, " - %63s %*s %1023s", type, options) != 2)
      continue;
    if (strcmp(type, "cgroup") == 0) add_hierarchy(point, options);
    if (strcmp(type, "cgroup2") == 0) snprintf(v2, sizeof v2, "%s", point);
  }
  fclose(f);
  if (hierarchy_count == 0 && v2[0] != '\0') {
    unified = 1;
    add_hierarchy(v2, "");
  }
}

static int put(int directory, const char *file, const char *text) {
  char path[128];
  snprintf(path, sizeof path, "%s/%s", name, file);
  int fd = openat(directory, path, O_WRONLY | O_CLOEXEC);
  if (fd < 0) return -1;
  ssize_t n = write(fd, text, strlen(text));
  close(fd);
  return n < 0 ? -1 : 0;
}

// A v1 cpuset starts empty and takes no task until it is given what its parent has.
static int inherit(int directory, const char *file) {
  char text[4096];
  int fd = openat(directory, file, O_RDONLY | O_CLOEXEC);
  ssize_t n = fd < 0 ? -1 : read(fd, text, sizeof text - 1);
  close(fd);
  if (n < 0) return -1;
  text[n] = '\0';
  return put(directory, file, text);
}

static int allow_default_devices(int directory) {
  static const char *const allowed[] = {"c *:* m",   "b *:* m",   "c 1:3 rwm", "c 1:5 rwm",   "c 1:7 rwm",
                                        "c 1:8 rwm", "c 1:9 rwm", "c 5:0 rwm", "c 136:* rwm", "c 5:2 rwm"};
  if (put(directory, "devices.deny", "a") < 0) return -1;
  for (size_t i = 0; i < sizeof allowed / sizeof *allowed; i++)
    if (put(directory, "devices.allow", allowed[i]) < 0) return -1;
  return 0;
}

static int make_cgroups(void) {
  for (int i = 0; i < hierarchy_count; i++) {
    const struct hierarchy *h = &hierarchies[i];
    if (mkdirat(h->fd, name, 0755) < 0) return -1;
    if (h->cpuset && (inherit(h->fd, "cpuset.cpus") < 0 || inherit(h->fd, "cpuset.mems") < 0)) return -1;
    if (h->devices && allow_default_devices(h->fd) < 0) return -1;
  }
  return 0;
}

static void remove_cgroups(void) {
  for (int i = 0; i < hierarchy_count; i++)
    if (unlinkat(hierarchies[i].fd, name, AT_REMOVEDIR) < 0 && errno != ENOENT) perror(hierarchies[i].path);
}

static void attach(const char *source, const char *target, const char *type, unsigned long flags, const char *options) {
  must(mount(source, target, type, flags, options), target);
}

static void network_up(void) {
  struct ifreq request = {.ifr_name = "lo", .ifr_flags = IFF_UP};
  int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
  must(fd, "socket");
  must(ioctl(fd, SIOCSIFFLAGS, &request), "SIOCSIFFLAGS lo");
  close(fd);
}

static void make_dev(void) {
  static const char *const devices[] = {"dev/null", "dev/zero", "dev/full", "dev/random", "dev/urandom", "dev/tty"};
  static const unsigned numbers[][2] = {{1, 3}, {1, 5}, {1, 7}, {1, 8}, {1, 9}, {5, 0}};
  static const char *const links[][2] = {{"/proc/self/fd", "dev/fd"},       {"/proc/self/fd/0", "dev/stdin"},
                                         {"/proc/self/fd/1", "dev/stdout"}, {"/proc/self/fd/2", "dev/stderr"},
                                         {"/proc/kcore", "dev/core"},       {"pts/ptmx", "dev/ptmx"}};
  for (size_t i = 0; i < sizeof devices / sizeof *devices; i++)
    must(mknod(devices[i], S_IFCHR | 0666, makedev(numbers[i][0], numbers[i][1])), devices[i]);
  for (size_t i = 0; i < sizeof links / sizeof *links; i++) must(symlink(links[i][0], links[i][1]), links[i][1]);
}

// What a v1 `cgroup` mount is without a cgroup namespace: each hierarchy's own cgroup bound on a tmpfs.
static void mount_cgroups(void) {
  char source[4096], target[4096];
  if (unified) {
    must(unshare(CLONE_NEWCGROUP), "unshare cgroup namespace");
    return attach("cgroup", "sys/fs/cgroup", "cgroup2", kHarden | MS_RELATIME | MS_RDONLY, NULL);
  }
  attach("tmpfs", "sys/fs/cgroup", "tmpfs", kHarden, "mode=755");
  for (int i = 0; i < hierarchy_count; i++) {
    snprintf(source, sizeof source, "%s/%s", hierarchies[i].path, name);
    snprintf(target, sizeof target, "sys/fs/cgroup/%s", strrchr(hierarchies[i].path, '/') + 1);
    must(mkdir(target, 0755), target);
    attach(source, target, NULL, MS_BIND, NULL);
    attach(NULL, target, NULL, MS_REMOUNT | MS_BIND | MS_RDONLY | kHarden, NULL);
  }
  attach(NULL, "sys/fs/cgroup", NULL, MS_REMOUNT | MS_BIND | MS_RDONLY | kHarden, NULL);
}

static void protect_paths(void) {
  static const char *const readonly[] = {"proc/bus", "proc/fs", "proc/irq", "proc/sys", "proc/sysrq-trigger"};
  static const char *const masked[] = {"proc/acpi",          "proc/asound",     "proc/kcore",       "proc/keys",
                                       "proc/latency_stats", "proc/timer_list", "proc/timer_stats", "proc/sched_debug",
                                       "sys/firmware",       "proc/scsi"};
  const char *empty = NULL;  // one empty read-only tmpfs serves every masked directory
  struct stat st;
  for (size_t i = 0; i < sizeof readonly / sizeof *readonly; i++) {
    if (mount(readonly[i], readonly[i], NULL, MS_BIND | MS_REC, NULL) < 0) continue;
    attach(NULL, readonly[i], NULL, MS_REMOUNT | MS_BIND | MS_RDONLY, NULL);
  }
  for (size_t i = 0; i < sizeof masked / sizeof *masked; i++) {
    if (lstat(masked[i], &st) < 0) continue;
    if (!S_ISDIR(st.st_mode) || empty != NULL) {
      attach(S_ISDIR(st.st_mode) ? empty : "/dev/null", masked[i], NULL, MS_BIND, NULL);
    } else {
      attach("tmpfs", masked[i], "tmpfs", MS_RDONLY, NULL);
      empty = masked[i];
    }
  }
}

static void drop_privileges(void) {
  const uint64_t keep = 1ull << CAP_AUDIT_WRITE | 1ull << CAP_KILL | 1ull << CAP_NET_BIND_SERVICE;
  struct __user_cap_header_struct header = {.version = _LINUX_CAPABILITY_VERSION_3};
  struct __user_cap_data_struct sets[2] = {{.effective = keep, .permitted = keep}};
  struct rlimit files = {1024, 1024};
  must(setrlimit(RLIMIT_NOFILE, &files), "RLIMIT_NOFILE");
  for (int cap = 0; cap <= CAP_LAST_CAP; cap++)
    if (!(keep >> cap & 1) && prctl(PR_CAPBSET_DROP, cap, 0, 0, 0) < 0 && errno != EINVAL) die("PR_CAPBSET_DROP");
  must(syscall(SYS_capset, &header, sets), "capset");
  must(prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0), "no_new_privs");
}

static void run_container(const char *rootfs, int made) {
  lap("start");
  must(syscall(SYS_keyctl, KEYCTL_JOIN_SESSION_KEYRING, name), "keyctl");
  must(setsid(), "setsid");
  network_up();
  lap("keyring, session, network");
  attach(NULL, "/", NULL, MS_REC | MS_SLAVE, NULL);
  attach(rootfs, rootfs, NULL, MS_BIND | MS_REC, NULL);
  must(chdir(rootfs), rootfs);
  lap("rootfs");
  attach("proc", "proc", "proc", 0, NULL);
  attach("tmpfs", "dev", "tmpfs", MS_NOSUID | MS_STRICTATIME, "mode=755,size=65536k");
  static const char *const points[] = {"dev/pts", "dev/shm", "dev/mqueue"};
  for (int i = 0; i < 3; i++) must(mkdir(points[i], 0755), points[i]);
  lap("proc, dev");
  attach("devpts", "dev/pts", "devpts", MS_NOSUID | MS_NOEXEC, "newinstance,ptmxmode=0666,mode=0620,gid=5");
  attach("shm", "dev/shm", "tmpfs", kHarden, "mode=1777,size=65536k");
  attach("mqueue", "dev/mqueue", "mqueue", kHarden, NULL);
  attach("sysfs", "sys", "sysfs", kHarden | MS_RDONLY, NULL);
  make_dev();
  lap("the other file systems, devices");
  protect_paths();
  lap("masked and read-only paths");
  eventfd_t outcome;
  must(eventfd_read(made, &outcome), "eventfd");
  if (outcome == kCgroupsFailed) _exit(1);
  lap("wait for cgroups");
  for (int i = 0; i < hierarchy_count && !unified; i++) must(put(hierarchies[i].fd, "tasks", "0"), hierarchies[i].path);
  lap("join cgroups");
  mount_cgroups();
  lap("sys/fs/cgroup");
  must(syscall(SYS_pivot_root, ".", "."), "pivot_root");
  must(umount2(".", MNT_DETACH) | chdir("/"), "umount old root");
  attach(NULL, "/", NULL, MS_REMOUNT | MS_BIND | MS_RDONLY, NULL);
  lap("pivot");
  must(sethostname("floor", 5), "sethostname");
  drop_privileges();
  lap("privileges");
  execl("/bin/true", "/bin/true", NULL);
  die("/bin/true");
}

int main(int argc, char **argv) {
  trace = argc > 1 && strcmp(argv[1], "--trace") == 0;
  if (argc != 2 + trace) {
    fprintf(stderr, "usage: floor [--trace] ROOTFS\n");
    return 2;
  }
  lap("");
  snprintf(name, sizeof name, "floor-%d", getpid());
  read_hierarchies();
  int made = eventfd(0, EFD_CLOEXEC);
  must(made, "eventfd");
  struct clone_args args = {.flags = CLONE_NEWNS | CLONE_NEWPID | CLONE_NEWNET | CLONE_NEWIPC | CLONE_NEWUTS,
                            .exit_signal = SIGCHLD};
  if (unified) {
    must(make_cgroups(), "cgroup");
    int cgroup = openat(hierarchies[0].fd, name, O_PATH | O_DIRECTORY | O_CLOEXEC);
    must(cgroup, name);
    args.flags |= CLONE_INTO_CGROUP;
    args.cgroup = (uint64_t)cgroup;
  }
  lap("mount table");
  pid_t pid = (pid_t)syscall(SYS_clone3, &args, sizeof args);
  must(pid, "clone3");
  if (pid == 0) run_container(argv[1 + trace], made);
  lap("clone");
  int failed = !unified && make_cgroups() < 0;
  if (failed) perror("floor: cgroup");
  lap("make cgroups");
  eventfd_write(made, failed ? kCgroupsFailed : kCgroupsMade);
  int status;
  must(waitpid(pid, &status, 0), "waitpid");
  lap("container's life");
  remove_cgroups();
  lap("remove cgroups");
  return WIFEXITED(status) ? WEXITSTATUS(status) : 1;
}
