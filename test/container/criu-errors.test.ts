/** What people are told when criu is missing, too old, silent, or fails; and which part of its log. */
import t from "tap";
import { checkpoint } from "../../src/container/criu/checkpoint.js";
import { inheritedStreams } from "../../src/container/criu/descriptors.js";
import { hintFor } from "../../src/container/criu/hints.js";
import { checkLabels } from "../../src/container/criu/labels.js";
import { Writer } from "../../src/container/criu/protobuf.js";
import { RuntimeError } from "../../src/errors.js";
import { put, root, SceneNative } from "./scene.js";

const env = { PATH: "/opt/bin::/usr/sbin" };
const request = { root, id: "web", env, imagePath: "/images" };

const answer = (type: number, success: boolean) => new Writer().add(1, type).add(2, success);
const version = (major: number, minor: number, sublevel: number) => ({
	data: answer(10, true).add(10, new Writer().add(1, major).add(2, minor).add(4, sublevel)).finish(),
});

/** A host with a running container, criu in PATH, and what criu answers. */
function host(...answers: { data: Uint8Array }[]): SceneNative {
	const native = new SceneNative();
	put(native, {
		record: {
			config: {
				rootfs: "/bundle/rootfs",
				readonlyfs: false,
				hostname: "",
				namespaces: [{ type: "NEWNS", path: "" }],
				labels: [],
			},
		},
	});
	native.files.put("/usr/sbin/criu", "", "file", 0o755);
	native.files.put("/proc/500/mountinfo", "1 0 254:0 /r / rw - ext4 /dev/vda rw\n");
	native.files.put("/proc/self/mountinfo", "1 0 254:0 / / rw - ext4 /dev/vda rw\n");
	for (const fd of [0, 1, 2]) native.files.put(`/proc/500/fd/${fd}`, `pipe:[${fd}]`);
	native.criuAnswers = answers;
	return native;
}

function failure(native: SceneNative, more = {}): RuntimeError {
	try {
		checkpoint(native, { ...request, ...more });
	} catch (error) {
		if (error instanceof RuntimeError) return error;
		throw error;
	}
	throw new Error("it did not fail");
}

t.test("criu is not in PATH: nothing of that name, and one that is not executable", async (t) => {
	const native = host();
	native.files.put("/usr/sbin/criu", "", "file", 0o644);
	t.match(failure(native), {
		message: 'exec: "criu": executable file not found in $PATH',
		context: { hint: /install it/ },
	});
	t.strictSame(native.callsOf("startCriu"), []);
});

t.test("the first criu of PATH is started", async (t) => {
	const native = host(version(2, 12, 0));
	native.files.put("/opt/bin/criu", "", "file", 0o755);
	failure(native);
	t.equal(native.callsOf("startCriu")[0]?.program, "/opt/bin/criu");
});

t.test("too old, and too old for an option", async (t) => {
	t.equal(failure(host(version(2, 12, 0))).message, "CRIU version 21200 must be 30000 or higher");
	const skip = { networkLock: "skip" };
	t.equal(failure(host(version(3, 17, 1)), skip).message, "--network-lock skip requires at least CRIU 3.19");
	t.match(failure(host(version(3, 19, 0)), skip).message, /^criu failed: type DUMP: it ended without an answer/);
});

t.test("it ends without a word: what it has printed", async (t) => {
	const native = host();
	native.files.put(`${root}/web/criu.out`, "(00.1) Warn\n(00.2)   7: Error (criu/x.c:1): no vdso\n");
	const error = failure(native);
	t.equal(error.message, "criu failed: type VERSION: it ended without an answer: Error (criu/x.c:1): no vdso");
	t.match(error.context.hint, /criu check/);
});

t.test("it fails: the first error of its log, which is named, and all of them", async (t) => {
	const failed = { data: answer(1, false).add(7, 17).finish() };
	for (const workPath of [undefined, "/work"]) {
		const native = host(version(3, 17, 1), failed);
		const log = `${workPath ?? "/images"}/dump.log`;
		native.files.putDirectory(workPath ?? "/images");
		native.files.put(
			log,
			"(00.1) fine\n(00.2)      1: Error (a.c:1): Some file locks are hold\n(00.3) Error (b.c:2): failed\n",
		);
		const error = failure(native, workPath === undefined ? {} : { workPath });
		t.equal(
			error.message,
			`criu failed: type DUMP errno 17: Error (a.c:1): Some file locks are hold\nlog file: ${log}`,
		);
		t.equal(error.context.output, "Error (a.c:1): Some file locks are hold\nError (b.c:2): failed");
		t.equal(error.context.hint, "--file-locks saves them");
		t.ok(native.files.has(`${root}/web/state.json`), "the container is there");
	}
});

t.test("a feature that this kernel has not", async (t) => {
	const features = { data: answer(9, true).add(8, new Writer().add(1, false).add(2, false)).finish() };
	const error = failure(host(version(3, 17, 1), features), { preDump: true });
	t.equal(error.message, "criu is missing features: [MemTrack]");
	const lazy = failure(host(version(3, 17, 1), features), { lazyPages: true });
	t.equal(lazy.message, "criu is missing features: [LazyPages]");
});

t.test("a terminal of the host takes --shell-job, in both directions", async (t) => {
	const native = host(version(3, 17, 1));
	native.files.put("/proc/500/fd/0", "/dev/pts/3");
	native.files.put("/proc/500/fdinfo/0", "pos: 0\nflags: 02\nmnt_id: 99\nino: 6\n");
	t.match(failure(native), { message: /a terminal of the host .*\(\/dev\/pts\/3\)/, context: { hint: /--shell-job/ } });
	native.files.put("/images/descriptors.json", '["tty[8803:17]", "pipe:[4]", "tty[8803:17]"]');
	t.throws(() => inheritedStreams(native, "/images", false), { message: /saved on its caller's terminal/ });
	for (const fd of [0, 1, 2]) native.files.put(`/proc/self/fd/${fd}`, fd === 1 ? "/dev/pts/0" : "/dev/null");
	t.strictSame(inheritedStreams(native, "/images", true), [
		{ key: "tty[8803:17]", fd: 1 },
		{ key: "pipe:[4]", fd: 1 },
	]);
	native.files.put("/proc/self/fd/1", "/dev/null");
	t.throws(() => inheritedStreams(native, "/images", true), { message: /none of the standard streams is a terminal/ });
});

t.test("hints, by what criu 3.17 says", async (t) => {
	const said: [string, RegExp | undefined][] = [
		["Can't create link remap for /a. Use link-remap option.", /--link-remap/],
		["unix: Unix socket 13270 without peer 13824", /network namespace/],
		["inet: Connected TCP socket, consider using --tcp-established option.", /--tcp-established/],
		["inet: In-flight connection (e) state", /--tcp-skip-in-flight/],
		["uffd: connect to lazy-pages.socket failed", /criu lazy-pages/],
		["mnt: No mapping for 113:/shared mountpoint", /another bundle/],
		["something else", undefined],
	];
	for (const [line, pattern] of said) {
		const hint = hintFor([line]);
		if (pattern === undefined) t.equal(hint, undefined);
		else t.match(hint, pattern);
	}
});

t.test("labels of a module that the kernel does not run", async (t) => {
	const native = host();
	t.throws(() => checkLabels(native, { lsmProfile: "apparmor" }), { message: /is not TYPE:NAME/ });
	t.throws(() => checkLabels(native, { lsmProfile: "apparmor:web" }), { message: /apparmor not supported/ });
	t.throws(() => checkLabels(native, { lsmProfile: "selinux:a:b" }), { message: /selinux is disabled/ });
	t.throws(() => checkLabels(native, { lsmMountContext: "a:b" }), { message: /selinux is disabled/ });
	native.files.put("/sys/fs/selinux/enforce", "0");
	checkLabels(native, { lsmProfile: "selinux:a:b", lsmMountContext: "a:b" });
});
