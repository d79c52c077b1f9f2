/**
 * The typed face of the addon: few verbs, object arguments, all synchronous.
 *
 * A verb that fails throws a {@link NativeFailure}. All paths here are host paths that the engine trusts (state
 * directory, bundle, cgroupfs); nothing in this interface opens anything inside a rootfs, only the init does.
 */

/** Thrown by every verb: an Error with these properties on it. */
export interface NativeFailure extends Error {
	syscall: string;
	/** Positive errno number. */
	errno: number;
	/** Name of the errno, for instance `ENOENT`. */
	code: string;
	/** Path or other object of the call, when there is one. */
	detail?: string;
}

/** What failed in the init: the index of the step in `plan.init`, the call and its errno. */
export interface StepFailure {
	step: number;
	syscall: string;
	errno: number;
	code: string;
	detail?: string;
}

export type FileType = "file" | "directory" | "symlink" | "socket" | "fifo" | "char" | "block";

export interface FileStat {
	type: FileType;
	mode: number;
	uid: number;
	gid: number;
	/** st_dev, and of a device node st_rdev, as dev_t. */
	device: number;
	deviceNumber: number;
	size: number;
	mtimeMs: number;
}

/** A frame from the init; see addon/protocol.h. `closed` is end of file: on the start channel it means exec succeeded. */
export type InitMessage =
	| { type: "pid"; pid: number; pidfd: number }
	| { type: "idmap" }
	| { type: "hooks" }
	/** A mount that is attached nowhere, whose ids step `step` wants mapped. */
	| { type: "mount"; step: number; fd: number }
	/** The container's root may not search its way to the source of step `step`. */
	| { type: "source"; step: number }
	| { type: "netDevices" }
	| { type: "terminal"; fd: number; name: string }
	/** The seccomp filter is loaded; `remoteFd` is the descriptor, in the sender, that listens to it. */
	| { type: "listener"; remoteFd: number }
	/** Comes behind `listener`: the process goes on when this one is read. */
	| { type: "filtered" }
	| { type: "ready" }
	| ({ type: "failure" } & StepFailure)
	| { type: "trace"; microseconds: number[] }
	| { type: "closed" }
	/** A signal that holdSignals() held back, instead of a frame. */
	| { type: "interrupted"; signal: number }
	/** The pidfd given to receive() became readable before a frame came: the process died. */
	| { type: "died" };

export interface HookResult {
	/** Exit status, or -1 when the hook did not exit by itself. */
	status: number;
	/** Signal that ended it, or 0. */
	signal: number;
	timedOut: boolean;
	/** A signal that holdSignals() held back and that cut the hook short: it was killed, with its process group. */
	interrupted?: number;
	/** Last 64 KiB of its stdout and stderr, as they came. */
	output: string;
	durationMs: number;
	/** Set when it could not even be started. */
	failure?: { syscall: string; errno: number; code: string };
}

export interface ReadyEvent {
	fd: number;
	/** 1 for what is not counted. */
	times: number;
}

export type MountIdMap = { pid: number } | { uidMap: string; gidMap: string };

export interface Native {
	/** Content hash of addon and init that this build was made with. */
	readonly buildId: string;

	// --- this process
	/** `_exit(2)`: no atexit handlers, no JavaScript teardown. */
	exit(status: number): never;
	/** Writes all of `text` to a descriptor (1 and 2 in practice); EPIPE is not an error. */
	print(options: { fd: number; text: string }): void;
	/**
	 * The environment that the caller gave us, variable by variable; of a name that comes twice the first counts, as for
	 * getenv(3). Not `process.env`, which is empty in the standalone binary (addon/standalone/detach.ts).
	 */
	environment(): Record<string, string>;
	/**
	 * Lowers the soft RLIMIT_NOFILE, which Node has raised for itself, to what the parent has; children inherit it. The
	 * parent's is a good guess at what we were started with, no more: see addon/binding/caller_limit.cc.
	 */
	restoreOpenFilesLimit(): void;
	/** Effective user id, and whether this process is in the initial user namespace. */
	identity(): { euid: number; egid: number; initialUserNamespace: boolean };

	// --- host files
	/**
	 * UTF-8; a file that is not fails with EILSEQ, instead of losing bytes in silence. `lossy` lets it: each byte that
	 * does not belong becomes U+FFFD. For files that repeat what others chose, such as the mount points of a host.
	 */
	readText(options: { path: string; lossy?: boolean }): string;
	/** All of standard input, in the same way: what stands behind it may be a socket, which has no path to be opened by. */
	readInput(): string;
	/**
	 * Temporary file in the same directory (O_EXCL), then rename(2). `sync` adds fdatasync. `exchange` swaps the names where
	 * the file exists and can be nothing but a file, which spares a write to the disk.
	 */
	replaceFile(options: { path: string; text: string; mode: number; sync?: boolean; exchange?: boolean }): void;
	appendText(options: { path: string; text: string; mode: number }): void;
	/** One message to the datagram socket there. */
	sendDatagram(options: { path: string; data: Uint8Array }): void;
	/** One write(2) on an existing file (cgroupfs, procfs). */
	writeControl(options: { path: string; text: string }): void;
	/** False when it was there already (only with `existOk`). `parents` makes missing parents with the same mode. */
	makeDirectory(options: { path: string; mode: number; parents?: boolean; existOk?: boolean }): boolean;
	removeFile(options: { path: string; missingOk?: boolean }): void;
	removeDirectory(options: { path: string; missingOk?: boolean }): void;
	/** Everything below and including path; never follows a symlink, never crosses a mount. Missing is fine. */
	removeTree(options: { path: string }): void;
	listDirectory(options: { path: string }): { name: string; type: FileType }[];
	/** Pids in a cgroup and in all below it, however deep they are nested; none where there is no cgroup. */
	cgroupProcesses(options: { path: string }): number[];
	/** Removes a cgroup and all below it. False when some of it stays because processes are in it; missing is fine. */
	removeCgroupTree(options: { path: string }): boolean;
	/** Undefined when it does not exist. Follows symlinks unless `noFollow`. */
	stat(options: { path: string; noFollow?: boolean }): FileStat | undefined;
	/** realpath(3). */
	realPath(options: { path: string }): string;
	/** flock(2) on a directory; returns the descriptor that holds the lock. `wait: false` throws EAGAIN. */
	lockDirectory(options: { path: string; exclusive: boolean; wait: boolean }): number;
	close(options: { fd: number }): void;

	/** Opens for reading; a directory or a namespace too. */
	openFile(options: { path: string }): number;
	/** Group and mode of a directory. */
	setGroup(options: { path: string; gid: number; mode: number }): void;
	/** readlink(2); of a descriptor in /proc that is no path, what the kernel calls it (`pipe:[4711]`). */
	readLink(options: { path: string }): string;
	/** Where `path` leads with `root` as the root directory, seen from there; undefined when it leads nowhere. */
	resolveInRoot(options: { root: string; path: string }): string | undefined;
	/**
	 * Binds `source` onto `target`, in the engine's own mount namespace. The mount is private, or with `slave` gets what is
	 * mounted below the source later; with `recursive` all of this goes for the mounts below it, too.
	 */
	bindMount(options: { source: string; target: string; recursive?: boolean; slave?: boolean }): void;
	/** Takes every mount off `path`, with all below it, lazily. That there is none is fine. */
	unmount(options: { path: string }): void;

	// --- processes
	/** From /proc/PID/stat: start time in clock ticks since boot, and state letter; undefined when there is none. */
	processStat(options: { pid: number }): { startTime: string; state: string } | undefined;
	/** pidfd_open(2), or undefined when the process is gone. */
	openPid(options: { pid: number }): number | undefined;
	/** pidfd_send_signal(2). */
	signalPid(options: { pidfd: number; signal: number }): void;
	/** Waits for the end of the process behind a pidfd; false when the time is over. No polling. */
	waitPid(options: { pidfd: number; timeoutMs: number }): boolean;
	/** waitid(P_PIDFD) for our own child: exit status, or 128+signal. */
	reap(options: { pidfd: number }): number;
	/** inotify of changes to these files (cgroup.events, memory.events); the descriptor is for waitEvents(). */
	watchFiles(options: { paths: string[] }): number;
	/**
	 * The descriptor counts the times that a cgroup of the v1 memory controller ran out of memory, and once that it
	 * is gone.
	 */
	watchOutOfMemory(options: { directory: string }): number;
	/**
	 * Waits until something comes on one of `events` (descriptors of the two verbs above; what has come is taken), the
	 * process behind `pidfd` has ended, or nobody is left to read what is written to `output`. Returns those
	 * descriptors, with the times that an out-of-memory event has come; none when the time is over.
	 */
	waitEvents(options: { events: number[]; pidfd?: number; output?: number; timeoutMs?: number }): ReadyEvent[];
	/** Runs a hook: fork, exec, state on stdin, output captured, killed (with its process group) when over time. */
	runHook(options: {
		path: string;
		args: string[];
		env: string[];
		stdin: string;
		timeoutMs?: number;
		cwd?: string;
		/** Files that its standard output and error are appended to; what goes there is not in `output`. */
		stdoutFile?: string;
		stderrFile?: string;
	}): HookResult;

	// --- steps and the init
	/** Runs host steps (JSON array of HostStep) in order; stops at the first failure and returns it. */
	executeHostSteps(options: { steps: string; pid?: number }): StepFailure | undefined;
	/**
	 * Starts the init (vfork + exec from a sealed memfd) in a thread of its own, and returns at once: what goes wrong is
	 * thrown by the first sendPlan. It inherits descriptors 0, 1, 2 and 3..2+preserveFds. Returns the channel to it.
	 */
	startInit(options: { preserveFds: number }): number;
	/** Process id of the init, which lasts until the step of its plan that clones the container's first process. */
	initPid(options: { channel: number }): number;
	/**
	 * The systemd at the first of these addresses that answers (JSON array of {address, broker}): its properties Version and
	 * ControlGroup. Opens libsystemd.so.0; ENOENT of dlopen when there is none.
	 */
	systemdManager(options: { bus: string }): { version: string; controlGroup: string };
	/** Sends the init a part of its plan: {version, id, init: steps, more?, trace?} as JSON; `more` when it is not the last one. */
	sendPlan(options: { channel: number; plan: string }): void;
	/** Ends the init and what it has cloned, waits until nothing of them is left, and closes the channel. */
	endInit(options: { channel: number }): void;
	/** Next frame. With `pidfd`, also watches that process, so that a wait can never hang. Reaps the init's first stage. */
	receive(options: { channel: number; pidfd?: number; timeoutMs?: number }): InitMessage;
	send(options: { channel: number; type: "idmap" | "hooks" | "mount" | "netDevices" | "start" }): void;
	/**
	 * mount_setattr(2) with MOUNT_ATTR_IDMAP on a mount that is attached nowhere; `recursive`: on all that are below it
	 * too. The mapping is that of the user namespace of `pid`, or of a new one with these maps (lines as in
	 * /proc/PID/uid_map: id in the filesystem, id that it is on the host, how many).
	 */
	mapMount(options: { fd: number; recursive: boolean } & MountIdMap): void;
	/**
	 * Opens `path` in the mount namespace of `pid` with the rights of this process, and sends the O_PATH descriptor. Throws
	 * EACCES where this process may not enter that namespace: it has no more rights than the init then.
	 */
	sendSource(options: { channel: number; pid: number; path: string }): void;
	/** Opens `tasks` of every v1 directory (cgroup.procs of a v2 one) and sends the descriptors; with no directory it only says go. */
	sendCgroups(options: { channel: number; directories: string[] }): void;
	sendSeccomp(options: { channel: number; program: Uint8Array }): void;
	/** Makes the listening socket of start.wait at `path` (mode 0600) and hands it to the init. */
	sendListener(options: { channel: number; path: string }): void;
	/**
	 * Connects to that socket; throws ECONNREFUSED when the init has already left start.wait, ENOENT when there is none.
	 * Without `wait` EAGAIN when others wait to be heard already: an init that is stopped takes nobody off its queue.
	 */
	connect(options: { path: string; wait: boolean }): number;
	/** libseccomp: normalised profile (JSON, src/plan/seccomp.ts) to BPF. */
	compileSeccomp(options: { profile: string }): Uint8Array;
	/** `2.5.4`, of the libseccomp that is linked in. */
	readonly libseccompVersion: string;
	/**
	 * Takes descriptor `remoteFd` out of the process behind `pidfd` and sends it, with the state document, to the
	 * agent that listens on `socket`; one connection, closed afterwards. Fails with EAGAIN when the agent does not
	 * take it within 30 seconds.
	 */
	sendSeccompListener(options: { pidfd: number; remoteFd: number; socket: string; state: string }): void;

	// --- criu
	/**
	 * Starts `criu swrk 3`. It gets `fds` as descriptors 4 and up, and this process's standard streams, unless `output` names
	 * a file for what it prints. Its child to be restored is then a child of ours.
	 */
	startCriu(options: { program: string; env: string[]; fds: number[]; output?: string }): {
		socket: number;
		pid: number;
		pidfd: number;
	};
	/** A message of criu's RPC. */
	sendCriu(options: { socket: number; data: Uint8Array }): void;
	/** The next one, with the descriptor that came with it; no bytes at the end. */
	receiveCriu(options: { socket: number }): { data: Uint8Array; fd?: number };

	// --- terminals, foreground, sd_notify
	/**
	 * From now on SIGHUP, SIGINT, SIGQUIT and SIGTERM do not end this process: receive(), runHook() return early with
	 * them, supervise() forwards them. Those that the caller ignores stay ignored. `all`: as well as every other signal
	 * that may be meant for the program that will be in the foreground; they wait for supervise().
	 */
	holdSignals(options?: { all: boolean }): void;
	/** The end of holdSignals(). A signal that came and that nobody took has its effect then. */
	releaseSignals(): void;
	/** Connects to a socket and sends a descriptor with a word: a pty master with its name, a pidfd with whose it is. */
	sendTerminal(options: { socket: string; fd: number; name: string }): void;
	/**
	 * Makes the pty whose master is `fd` one that supervise relays to the caller's terminal: its size, when there is one,
	 * and no \r\n for \n, which the caller's terminal makes. A verb of its own: supervise comes after the start.
	 */
	fitTerminal(options: { fd: number }): void;
	/**
	 * The foreground: forwards signals (all but SIGURG, SIGCHLD, SIGPWR and those the kernel raises itself),
	 * relays the terminal (raw mode, SIGWINCH to TIOCSWINSZ, settings restored) and the notify socket, reaps.
	 * Returns the exit status of the process behind pidfd: its code, or 128+signal.
	 */
	supervise(options: {
		pid: number;
		pidfd: number;
		terminal?: number;
		subreaper: boolean;
		notify?: { fd: number; target: string };
	}): number;
	/** PR_SET_CHILD_SUBREAPER. */
	setSubreaper(): void;
	/** Datagram socket of the sd_notify proxy, mode 0666. */
	bindNotify(options: { path: string }): number;
	/** Waits for READY=1 on the proxy, forwards it with MAINPID and a barrier; returns early when the process ends. */
	forwardNotify(options: { fd: number; target: string; pid: number; pidfd: number }): void;
	/** True when each of fds 3..2+count is open; the first that is not, otherwise. */
	checkPreservedFds(options: { count: number }): { ok: true } | { ok: false; fd: number };
}
