// What the engine and the init say to each other over their socketpair (SOCK_STREAM, one frame after the other).
//
// A frame is a Header, `length` bytes of payload and, for the kinds that say so, descriptors (SCM_RIGHTS) that
// travel with the header's first byte. Both ends are the same build of the same addon, so numbers are in host
// order. Anything unexpected (unknown kind, length over kMaxPayload, missing descriptor) ends the conversation
// with a failure: never guess.
#pragma once

#include <cstdint>

namespace runtime_ts {

enum class Frame : std::uint32_t {
  // init -> engine
  kPid = 1,       // payload: decimal pid of the container's first process in the engine's pid namespace; fd: its pidfd
  kIdMap = 2,     // the new user namespace exists: write its maps
  kHooks = 3,     // run prestart and createRuntime hooks
  kTerminal = 4,  // payload: name of the pty slave in the container; fd: the pty master
  kReady = 5,     // everything up to start is done
  kFailure = 6,   // payload: JSON {"step":index,"syscall":"...","errno":n,"detail":"..."}; the init exits after it
  kTrace = 7,     // payload: JSON array of microseconds, one for each step
  kMapMount = 8,  // payload: decimal index of the step; fd: a mount that is attached nowhere: map its ids
  kOpenSource = 9,        // payload: decimal index of a step whose source only the host's root may reach: open it
  kNetDevices = 10,       // the network namespace exists: move devices into it
  kSeccompListener = 11,  // payload: decimal number, in the sender, of the descriptor that listens to its filter
  // Follows kSeccompListener in the same write(2) and is larger than the sender's buffer: reading it lets the sender
  // go on. So the filter need allow nothing but write(2), and no answer is needed. Payload: nothing of interest.
  kSeccompPause = 12,

  // engine -> init
  kPlan = 16,  // payload: JSON {"version","id","init":[steps],"trace"?,"more"?}; with `more`, another kPlan follows
  kIdMapDone = 17,  //
  // payload: the joined directories, one a line; fds: their `tasks` files (v2: cgroup.procs), open for writing
  kCgroup = 18,
  kHooksDone = 19,       //
  kSeccomp = 20,         // payload: struct sock_filter[]
  kListen = 21,          // fd: listening unix socket in the state directory, for start.wait via socket
  kStart = 22,           //
  kMapMountDone = 23,    //
  kSource = 24,          // fd: the source, O_PATH, on a mount of the container's mount namespace
  kNetDevicesDone = 25,  //
};

struct Header {
  std::uint32_t kind;
  std::uint32_t length;
};

constexpr std::uint32_t kMaxPayload = 64u << 20;
constexpr int kMaxFds = 64;

// The init finds its end of the socketpair at this descriptor, right above the preserved ones: 3 + preserveFds.
// It is told the number as argv[1].

}  // namespace runtime_ts
