import { spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, mkdirSync, rmdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import t from "tap";
import { failureOf, native, needsRoot, scratch } from "./addon.js";

t.test("changes of files: told once for what has come, and again for what comes", async (t) => {
	const directory = scratch(t);
	const [one, two] = [join(directory, "one"), join(directory, "two")];
	for (const path of [one, two]) writeFileSync(path, "");
	const fd = native.watchFiles({ paths: [one, two] });
	const wait = () => native.waitEvents({ events: [fd], timeoutMs: 50 });
	t.same(wait(), []);
	writeFileSync(one, "1");
	writeFileSync(two, "1");
	t.same(wait(), [{ fd, times: 1 }]);
	t.same(wait(), [], "taken");
	writeFileSync(two, "2");
	t.same(wait(), [{ fd, times: 1 }]);
	native.close({ fd });
	t.match(
		failureOf(() => native.watchFiles({ paths: [join(directory, "none")] })),
		{
			syscall: "inotify_add_watch",
			code: "ENOENT",
			detail: join(directory, "none"),
		},
	);
});

t.test("the end of a process, beside events; the time", async (t) => {
	const child = spawn("sleep", ["1000"]);
	const pidfd = native.openPid({ pid: child.pid ?? 0 }) ?? -1;
	const started = performance.now();
	t.same(native.waitEvents({ events: [], pidfd, timeoutMs: 60 }), []);
	t.ok(performance.now() - started >= 59);
	child.kill("SIGKILL");
	t.same(native.waitEvents({ events: [], pidfd, timeoutMs: 5000 }), [{ fd: pidfd, times: 1 }]);
	native.close({ fd: pidfd });
	await once(child, "exit");
});

t.test("nobody is left to read the output", async (t) => {
	const child = spawn(process.execPath, [
		"-e",
		`const native = require(${JSON.stringify(new URL("../../build/Release/runtime_ts.node", import.meta.url).pathname)});
		native.print({ fd: 2, text: JSON.stringify(native.waitEvents({ events: [], output: 1, timeoutMs: 50 })) + "\\n" });
		native.print({ fd: 2, text: JSON.stringify(native.waitEvents({ events: [], output: 1, timeoutMs: 10000 })) + "\\n" });
		native.exit(0);`,
	]);
	let said = "";
	child.stderr.on("data", (data: Buffer) => {
		said += data.toString();
	});
	await once(child.stderr, "data");
	child.stdout.destroy();
	await once(child, "close");
	t.equal(said, '[]\n[{"fd":1,"times":1}]\n', "a reader that reads nothing is a reader");
});

const memory = "/sys/fs/cgroup/memory";
const skip = needsRoot || (existsSync(`${memory}/cgroup.event_control`) ? false : "no v1 memory controller");

t.test("v1: a cgroup that ran out of memory, and its end", { skip }, async (t) => {
	const directory = `${memory}/runtime-ts-native-${process.pid}`;
	mkdirSync(directory);
	const fd = native.watchOutOfMemory({ directory });
	writeFileSync(`${directory}/memory.limit_in_bytes`, `${8 << 20}`);
	t.same(native.waitEvents({ events: [fd], timeoutMs: 50 }), []);
	const script = `echo $$ >${directory}/cgroup.procs; exec awk 'BEGIN { x = "x"; while (1) x = x x }'`;
	const child = spawn("sh", ["-c", script], { stdio: "ignore" });
	t.same(await once(child, "exit"), [null, "SIGKILL"]);
	const [event] = native.waitEvents({ events: [fd], timeoutMs: 5000 });
	t.equal(event?.fd, fd);
	t.ok((event?.times ?? 0) >= 1);
	rmdirSync(directory);
	t.same(native.waitEvents({ events: [fd], timeoutMs: 5000 }), [{ fd, times: 1 }], "its removal");
	native.close({ fd });
	t.match(
		failureOf(() => native.watchOutOfMemory({ directory })),
		{ code: "ENOENT" },
	);
});
