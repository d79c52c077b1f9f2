/**
 * A Native in memory, for unit tests: files in a map, processes and init messages from a script, each call recorded.
 *
 * It has no kernel behind it: what it shows is which calls a command makes, in which order, and what the command
 * does with the answers. What the calls do is for the tests that run real containers.
 */

import type {
	FileStat,
	FileType,
	HookResult,
	InitMessage,
	MountIdMap,
	Native,
	NativeFailure,
	ReadyEvent,
	StepFailure,
} from "./api.js";
import { fakeCgroupProcesses, removeFakeCgroups } from "./fake-cgroups.js";
import { FakeFiles } from "./fake-files.js";

/** Thrown by FakeNative.exit, where the real one does not come back. */
export class FakeExit extends Error {
	constructor(readonly status: number) {
		super(`exit ${status}`);
	}
}

export interface FakeProcess {
	startTime: string;
	state: string;
}

export interface FakeCall {
	verb: keyof Native;
	options: Record<string, unknown>;
}

const errnoNumbers: Record<string, number> = {
	EPERM: 1,
	ENOENT: 2,
	ESRCH: 3,
	EAGAIN: 11,
	EACCES: 13,
	EEXIST: 17,
	ENOTDIR: 20,
	EISDIR: 21,
	EINVAL: 22,
	ENOTEMPTY: 39,
	ECONNREFUSED: 111,
	ETIMEDOUT: 110,
};

/** The failure that a verb throws, with the tail that the C library gives. */
export function nativeFailure(syscall: string, code: string, detail?: string): NativeFailure {
	const words: Record<string, string> = {
		EPERM: "operation not permitted",
		ENOENT: "no such file or directory",
		ESRCH: "no such process",
		EAGAIN: "resource temporarily unavailable",
		EACCES: "permission denied",
		EEXIST: "file exists",
		ENOTDIR: "not a directory",
		EISDIR: "is a directory",
		EINVAL: "invalid argument",
		ENOTEMPTY: "directory not empty",
		ECONNREFUSED: "connection refused",
		ETIMEDOUT: "connection timed out",
	};
	const message = `${syscall}${detail === undefined ? "" : ` ${detail}`}: ${words[code] ?? code}`;
	return Object.assign(new Error(message), {
		syscall,
		errno: errnoNumbers[code] ?? 5,
		code,
		...(detail === undefined ? {} : { detail }),
	});
}

/** What sendPlan takes, parsed. */
export interface SentPlan {
	version: number;
	id: string;
	init: { op: string; [key: string]: unknown }[];
	more?: boolean;
	trace?: boolean;
}

export class FakeNative implements Native {
	readonly buildId = "fake";
	readonly libseccompVersion = "2.5.4";
	readonly files: FakeFiles;
	/** Mount points that bindMount has made. */
	mounts: string[] = [];

	/** Every call but the pure look-ups, in order. */
	readonly calls: FakeCall[] = [];
	stdout = "";
	stderr = "";

	/** What receive() gives, first to last. */
	messages: InitMessage[] = [];
	/** Answers of runHook, first to last; success when there is none left. */
	hookResults: Partial<HookResult>[] = [];
	/** What executeHostSteps fails with. */
	hostFailure: StepFailure | undefined;
	/** Errno that sendSource fails with. */
	sendSourceFailure: string | undefined;
	/** Errno that mapMount fails with. */
	mapMountFailure: string | undefined;
	/** Live processes by pid. A signal 9 removes one. */
	readonly processes = new Map<number, FakeProcess>();
	/** Answers of waitEvents, first to last; a function is called when it is its turn. With none left the time is over. */
	events: (ReadyEvent[] | (() => ReadyEvent[]))[] = [];
	/** Sockets with someone listening. */
	readonly listening = new Set<string>();
	/** What a foreground process, or a child, ends with. */
	exitStatus = 0;
	environmentFacts: Record<string, string> = {};
	identityFacts = { euid: 0, egid: 0, initialUserNamespace: true };
	/** Of the init's first stage. */
	initProcess = 400;
	/** What systemd says of itself; undefined: there is none. */
	systemd: { version: string; controlGroup: string } | undefined;
	/** First descriptor above 2 that is not open. */
	firstClosedFd = 3;

	private nextFd = 100;
	private readonly pids = new Map<number, number>();

	constructor(files: Record<string, string> = {}, cwd = "/") {
		this.files = new FakeFiles(cwd);
		for (const [path, text] of Object.entries(files)) this.files.put(path, text);
	}

	/** Options of each call of one verb. */
	callsOf(verb: keyof Native): Record<string, unknown>[] {
		return this.calls.filter((call) => call.verb === verb).map((call) => call.options);
	}

	private record(verb: keyof Native, options: object): void {
		this.calls.push({ verb, options: { ...options } });
	}

	private openFd(): number {
		return this.nextFd++;
	}

	exit(status: number): never {
		throw new FakeExit(status);
	}
	print({ fd, text }: { fd: number; text: string }): void {
		if (fd === 1) this.stdout += text;
		else this.stderr += text;
	}
	environment(): Record<string, string> {
		return this.environmentFacts;
	}

	restoreOpenFilesLimit(): void {}

	identity(): { euid: number; egid: number; initialUserNamespace: boolean } {
		return this.identityFacts;
	}

	readText({ path }: { path: string }): string {
		return this.files.read(path);
	}
	/** What readInput() gives. */
	stdin = "";
	readInput(): string {
		return this.stdin;
	}
	replaceFile(options: { path: string; text: string; mode: number; sync?: boolean; exchange?: boolean }): void {
		this.record("replaceFile", options);
		this.files.write("open", options.path, options.text, options.mode);
	}
	sendDatagram(options: { path: string; data: Uint8Array }): void {
		this.record("sendDatagram", options);
	}

	appendText(options: { path: string; text: string; mode: number }): void {
		this.record("appendText", options);
		this.files.append(options.path, options.text, options.mode);
	}
	writeControl(options: { path: string; text: string }): void {
		this.record("writeControl", options);
		this.files.read(options.path);
		this.files.write("write", options.path, options.text, 0o644);
	}
	makeDirectory(options: { path: string; mode: number; parents?: boolean; existOk?: boolean }): boolean {
		this.record("makeDirectory", options);
		return this.files.makeDirectory(options);
	}
	removeFile(options: { path: string; missingOk?: boolean }): void {
		this.record("removeFile", options);
		this.files.removeFile(options);
	}
	removeDirectory(options: { path: string; missingOk?: boolean }): void {
		this.record("removeDirectory", options);
		this.files.removeDirectory(options);
	}
	openFile({ path }: { path: string }): number {
		if (!this.files.stat(path)) throw nativeFailure("open", "ENOENT", path);
		return this.openFd();
	}
	setGroup(options: { path: string; gid: number; mode: number }): void {
		this.record("setGroup", options);
	}
	readLink({ path }: { path: string }): string {
		return this.files.read(path);
	}
	resolveInRoot({ root, path }: { root: string; path: string }): string | undefined {
		return this.files.stat(`${root}${path}`) ? path : undefined;
	}
	/** What criu answers, message by message; then it ends. */
	criuAnswers: { data: Uint8Array; fd?: number }[] = [];
	startCriu(options: { program: string; env: string[]; fds: number[]; output?: string }): {
		socket: number;
		pid: number;
		pidfd: number;
	} {
		this.record("startCriu", options);
		return { socket: this.openFd(), pid: 4000, pidfd: this.openFd() };
	}
	sendCriu(options: { socket: number; data: Uint8Array }): void {
		this.record("sendCriu", options);
	}
	receiveCriu(): { data: Uint8Array; fd?: number } {
		return this.criuAnswers.shift() ?? { data: new Uint8Array() };
	}
	bindMount(options: { source: string; target: string; recursive?: boolean; slave?: boolean }): void {
		this.record("bindMount", options);
		this.mounts.push(options.target);
	}
	unmount(options: { path: string }): void {
		this.record("unmount", options);
		this.mounts = this.mounts.filter((point) => point !== options.path && !point.startsWith(`${options.path}/`));
	}
	removeTree(options: { path: string }): void {
		const inside = this.mounts.find((point) => point.startsWith(`${options.path}/`));
		if (inside !== undefined) throw nativeFailure("openat2", "EXDEV", inside);
		this.record("removeTree", options);
		this.files.removeTree(options.path);
	}
	listDirectory({ path }: { path: string }): { name: string; type: FileType }[] {
		return this.files.list(path);
	}
	cgroupProcesses({ path }: { path: string }): number[] {
		return fakeCgroupProcesses(this, path);
	}
	removeCgroupTree(options: { path: string }): boolean {
		this.record("removeCgroupTree", options);
		return removeFakeCgroups(this, options.path);
	}
	stat({ path }: { path: string; noFollow?: boolean }): FileStat | undefined {
		return this.files.stat(path);
	}
	realPath({ path }: { path: string }): string {
		return this.files.realPath(path);
	}
	lockDirectory(options: { path: string; exclusive: boolean; wait: boolean }): number {
		this.record("lockDirectory", options);
		if (this.files.stat(options.path)?.type !== "directory") throw nativeFailure("open", "ENOENT", options.path);
		return this.openFd();
	}
	close(options: { fd: number }): void {
		this.record("close", options);
	}

	processStat({ pid }: { pid: number }): FakeProcess | undefined {
		return this.processes.get(pid);
	}
	openPid(options: { pid: number }): number | undefined {
		this.record("openPid", options);
		if (!this.processes.has(options.pid)) return undefined;
		const fd = this.openFd();
		this.pids.set(fd, options.pid);
		return fd;
	}
	signalPid(options: { pidfd: number; signal: number }): void {
		const pid = this.pids.get(options.pidfd);
		this.record("signalPid", { ...options, pid });
		if (pid === undefined || !this.processes.has(pid)) throw nativeFailure("pidfd_send_signal", "ESRCH");
		if (options.signal === 9) this.processes.delete(pid);
	}
	waitPid(options: { pidfd: number; timeoutMs: number }): boolean {
		this.record("waitPid", options);
		return !this.processes.has(this.pids.get(options.pidfd) ?? -1);
	}
	reap(options: { pidfd: number }): number {
		this.record("reap", options);
		this.processes.delete(this.pids.get(options.pidfd) ?? -1);
		return this.exitStatus;
	}
	watchFiles(options: { paths: string[] }): number {
		this.record("watchFiles", options);
		for (const path of options.paths)
			if (!this.files.has(path)) throw nativeFailure("inotify_add_watch", "ENOENT", path);
		return this.openFd();
	}
	watchOutOfMemory(options: { directory: string }): number {
		this.record("watchOutOfMemory", options);
		this.files.read(`${options.directory}/memory.oom_control`);
		return this.openFd();
	}
	waitEvents(options: { events: number[]; pidfd?: number; output?: number; timeoutMs?: number }): ReadyEvent[] {
		this.record("waitEvents", options);
		const next = this.events.shift() ?? [];
		return typeof next === "function" ? next() : next;
	}
	runHook(options: {
		path: string;
		args: string[];
		env: string[];
		stdin: string;
		timeoutMs?: number;
		cwd?: string;
		stdoutFile?: string;
		stderrFile?: string;
	}): HookResult {
		this.record("runHook", options);
		const result = this.hookResults.shift() ?? {};
		return { status: 0, signal: 0, timedOut: false, output: "", durationMs: 1, ...result };
	}

	executeHostSteps(options: { steps: string; pid?: number }): StepFailure | undefined {
		this.record("executeHostSteps", options);
		return this.hostFailure;
	}
	startInit(options: { preserveFds: number }): number {
		this.record("startInit", options);
		return this.openFd();
	}
	initPid(): number {
		return this.initProcess;
	}
	systemdManager(options: { bus: string }): { version: string; controlGroup: string } {
		this.record("systemdManager", options);
		if (this.systemd === undefined) throw nativeFailure("connect", "ENOENT", "unix:path=/run/systemd/private");
		return this.systemd;
	}
	sendPlan(options: { channel: number; plan: string }): void {
		this.record("sendPlan", options);
	}
	/** All parts of the plan that the init was sent, as one. */
	sentPlan(): SentPlan {
		const parts = this.callsOf("sendPlan").map(({ plan }) => JSON.parse(String(plan)) as SentPlan);
		const { more: _more, ...last } = parts.at(-1) ?? { version: 0, id: "", init: [] };
		return { ...last, init: parts.flatMap(({ init }) => init) };
	}
	endInit(options: { channel: number }): void {
		this.record("endInit", options);
	}
	receive(options: { channel: number; pidfd?: number; timeoutMs?: number }): InitMessage {
		this.record("receive", options);
		const message = this.messages.shift();
		if (!message) throw nativeFailure("poll", "ETIMEDOUT");
		if (message.type === "pid") {
			this.pids.set(message.pidfd, message.pid);
			if (!this.processes.has(message.pid)) this.processes.set(message.pid, { startTime: "1000", state: "S" });
		}
		return message;
	}
	send(options: { channel: number; type: "idmap" | "hooks" | "mount" | "netDevices" | "start" }): void {
		this.record("send", options);
	}
	mapMount(options: { fd: number; recursive: boolean } & MountIdMap): void {
		this.record("mapMount", options);
		if (this.mapMountFailure) throw nativeFailure("mount_setattr", this.mapMountFailure, "MOUNT_ATTR_IDMAP");
	}
	sendSource(options: { channel: number; pid: number; path: string }): void {
		this.record("sendSource", options);
		if (this.sendSourceFailure) throw nativeFailure("open", this.sendSourceFailure, options.path);
	}
	sendCgroups(options: { channel: number; directories: string[] }): void {
		this.record("sendCgroups", options);
	}
	sendSeccomp(options: { channel: number; program: Uint8Array }): void {
		this.record("sendSeccomp", options);
	}
	sendListener(options: { channel: number; path: string }): void {
		this.record("sendListener", options);
		this.files.write("bind", options.path, "", 0o600, "socket");
		this.listening.add(options.path);
	}
	connect(options: { path: string; wait: boolean }): number {
		this.record("connect", options);
		if (!this.files.stat(options.path)) throw nativeFailure("connect", "ENOENT", options.path);
		if (!this.listening.has(options.path)) throw nativeFailure("connect", "ECONNREFUSED", options.path);
		return this.openFd();
	}
	compileSeccomp(options: { profile: string }): Uint8Array {
		this.record("compileSeccomp", options);
		return new Uint8Array(8);
	}

	sendSeccompListener(options: { pidfd: number; remoteFd: number; socket: string; state: string }): void {
		this.record("sendSeccompListener", options);
		if (!this.listening.has(options.socket)) throw nativeFailure("connect", "ENOENT", options.socket);
	}

	sendTerminal(options: { socket: string; fd: number; name: string }): void {
		this.record("sendTerminal", options);
	}

	fitTerminal(options: { fd: number }): void {
		this.record("fitTerminal", options);
	}

	supervise(options: {
		pid: number;
		pidfd: number;
		terminal?: number;
		subreaper: boolean;
		notify?: { fd: number; target: string };
	}): number {
		this.record("supervise", options);
		this.processes.delete(options.pid);
		return this.exitStatus;
	}
	setSubreaper(): void {
		this.record("setSubreaper", {});
	}
	holdSignals(options?: { all: boolean }): void {
		this.record("holdSignals", { ...options });
	}
	releaseSignals(): void {
		this.record("releaseSignals", {});
	}
	bindNotify(options: { path: string }): number {
		this.record("bindNotify", options);
		this.files.write("bind", options.path, "", 0o666, "socket");
		return this.openFd();
	}
	forwardNotify(options: { fd: number; target: string; pid: number; pidfd: number }): void {
		this.record("forwardNotify", options);
	}
	checkPreservedFds({ count }: { count: number }): { ok: true } | { ok: false; fd: number } {
		return 3 + count <= this.firstClosedFd ? { ok: true } : { ok: false, fd: this.firstClosedFd };
	}
}
