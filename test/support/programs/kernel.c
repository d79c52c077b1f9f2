// How the kernel treats the process that asks: `kernel scheduler|io-priority|memory-policy|persona|label PATH`. One
// line each: what was found, or the name of the errno.
#include <errno.h>
#include <linux/mempolicy.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/personality.h>
#include <sys/syscall.h>
#include <sys/utsname.h>
#include <sys/xattr.h>
#include <unistd.h>

struct scheduler {
  uint32_t size, policy;
  uint64_t flags;
  int32_t nice;
  uint32_t priority;
  uint64_t runtime, deadline, period;
};

static int Failed(void) {
  printf("%s\n", strerrorname_np(errno));
  return 1;
}

int main(int argc, char** argv) {
  const char* what = argc > 1 ? argv[1] : "";
  if (strcmp(what, "scheduler") == 0) {
    struct scheduler s = {0};
    if (syscall(SYS_sched_getattr, 0, &s, sizeof s, 0) < 0) return Failed();
    printf("policy %u nice %d priority %u flags %llu", s.policy, s.nice, s.priority, (unsigned long long)s.flags);
    // The others show their time slice there (Linux 6.12).
    if (s.policy == 6) {
      printf(" runtime %llu deadline %llu period %llu", (unsigned long long)s.runtime, (unsigned long long)s.deadline,
             (unsigned long long)s.period);
    }
    printf("\n");
    return 0;
  }
  if (strcmp(what, "io-priority") == 0) {
    // Of the process itself, and the best one in its group.
    const long own = syscall(SYS_ioprio_get, 1, 0);
    const long group = syscall(SYS_ioprio_get, 2, 0);
    if (own < 0 || group < 0) return Failed();
    printf("class %ld priority %ld, group class %ld priority %ld\n", own >> 13, own & 7, group >> 13, group & 7);
    return 0;
  }
  if (strcmp(what, "memory-policy") == 0) {
    int mode = -1;
    unsigned long nodes[16] = {0};
    if (syscall(SYS_get_mempolicy, &mode, nodes, sizeof nodes * 8, NULL, 0) < 0) return Failed();
    printf("mode %d flags %#x nodes %#lx\n", mode & 0xff, (unsigned)mode & ~0xffU, nodes[0]);
    return 0;
  }
  if (strcmp(what, "persona") == 0) {
    struct utsname name;
    if (uname(&name) < 0) return Failed();
    printf("%#x %s\n", (unsigned)personality(0xffffffff), name.machine);
    return 0;
  }
  if (strcmp(what, "label") == 0 && argc == 3) {
    char label[256] = "";
    if (getxattr(argv[2], "security.selinux", label, sizeof label - 1) < 0) return Failed();
    printf("%s\n", label);
    return 0;
  }
  return 2;
}
