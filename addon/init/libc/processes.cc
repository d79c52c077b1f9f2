// System calls on processes, sockets and the rest; see syscall.h.
#include <grp.h>
#include <sched.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdarg>
#include <ctime>

#include "init/libc/syscall.h"

using runtime_ts::Call;

extern "C" {

// One thread, one errno.
int* __errno_location() noexcept {
  static int number;
  return &number;
}

long syscall(long number, ...) noexcept {
  va_list rest;
  va_start(rest, number);
  long word[6];
  for (long& each : word) each = va_arg(rest, long);
  va_end(rest);
  return Call(number, word[0], word[1], word[2], word[3], word[4], word[5]);
}

void _exit(int status) {
  Call(SYS_exit_group, status);
  // A seccomp filter may refuse it. The instruction ends the process all the same, and the first process of a pid
  // namespace too: a signal that the kernel forces on it is not ignored.
  __builtin_trap();
}
pid_t fork() noexcept { return static_cast<pid_t>(Call(SYS_clone, SIGCHLD)); }
int execve(const char* path, char* const* arguments, char* const* environment) noexcept {
  return static_cast<int>(Call(SYS_execve, path, arguments, environment));
}
pid_t waitpid(pid_t pid, int* status, int flags) {
  return static_cast<pid_t>(Call(SYS_wait4, pid, status, flags, nullptr));
}
int kill(pid_t pid, int signal) noexcept { return static_cast<int>(Call(SYS_kill, pid, signal)); }
pid_t getpid() noexcept { return static_cast<pid_t>(Call(SYS_getpid)); }
pid_t setsid() noexcept { return static_cast<pid_t>(Call(SYS_setsid)); }
int setpgid(pid_t pid, pid_t group) noexcept { return static_cast<int>(Call(SYS_setpgid, pid, group)); }

int unshare(int flags) noexcept { return static_cast<int>(Call(SYS_unshare, flags)); }
int setns(int fd, int type) noexcept { return static_cast<int>(Call(SYS_setns, fd, type)); }
int sethostname(const char* name, size_t size) noexcept { return static_cast<int>(Call(SYS_sethostname, name, size)); }
int setdomainname(const char* name, size_t size) noexcept {
  return static_cast<int>(Call(SYS_setdomainname, name, size));
}

uid_t geteuid() noexcept { return static_cast<uid_t>(Call(SYS_geteuid)); }
int setresuid(uid_t real, uid_t effective, uid_t saved) noexcept {
  return static_cast<int>(Call(SYS_setresuid, real, effective, saved));
}
int setresgid(gid_t real, gid_t effective, gid_t saved) noexcept {
  return static_cast<int>(Call(SYS_setresgid, real, effective, saved));
}
int setgroups(size_t count, const gid_t* groups) noexcept {
  return static_cast<int>(Call(SYS_setgroups, count, groups));
}
int prctl(int option, ...) noexcept {
  va_list rest;
  va_start(rest, option);
  long word[4];
  for (long& each : word) each = va_arg(rest, long);
  va_end(rest);
  return static_cast<int>(Call(SYS_prctl, option, word[0], word[1], word[2], word[3]));
}
int setrlimit(__rlimit_resource_t resource, const rlimit* limit) noexcept {
  return static_cast<int>(Call(SYS_prlimit64, 0, resource, limit, nullptr));
}
int clock_gettime(clockid_t clock, timespec* into) noexcept {
  return static_cast<int>(Call(SYS_clock_gettime, clock, into));
}

int socket(int family, int type, int protocol) noexcept {
  return static_cast<int>(Call(SYS_socket, family, type, protocol));
}
int accept4(int fd, sockaddr* address, socklen_t* size, int flags) {
  return static_cast<int>(Call(SYS_accept4, fd, address, size, flags));
}
int setsockopt(int fd, int level, int option, const void* from, socklen_t size) noexcept {
  return static_cast<int>(Call(SYS_setsockopt, fd, level, option, from, size));
}

int getsockopt(int fd, int level, int option, void* into, socklen_t* size) noexcept {
  return static_cast<int>(Call(SYS_getsockopt, fd, level, option, into, size));
}
ssize_t recvmsg(int fd, msghdr* message, int flags) { return Call(SYS_recvmsg, fd, message, flags); }
ssize_t sendmsg(int fd, const msghdr* message, int flags) { return Call(SYS_sendmsg, fd, message, flags); }
ssize_t recv(int fd, void* into, size_t size, int flags) {
  return Call(SYS_recvfrom, fd, into, size, flags, nullptr, nullptr);
}

// What CMSG_NXTHDR expands to.
cmsghdr* __cmsg_nxthdr(msghdr* message, cmsghdr* current) noexcept {
  if (current->cmsg_len < sizeof(cmsghdr)) return nullptr;
  auto* next = reinterpret_cast<cmsghdr*>(reinterpret_cast<char*>(current) + CMSG_ALIGN(current->cmsg_len));
  const char* end = static_cast<char*>(message->msg_control) + message->msg_controllen;
  const bool whole =
      reinterpret_cast<char*>(next + 1) <= end && reinterpret_cast<char*>(next) + CMSG_ALIGN(next->cmsg_len) <= end;
  return whole ? next : nullptr;
}

}  // extern "C"
