import {
	chmodSync,
	closeSync,
	existsSync,
	lstatSync,
	mkdirSync,
	openSync,
	readdirSync,
	readFileSync,
	readSync,
	realpathSync,
	statSync,
	symlinkSync,
	writeFileSync,
} from "node:fs";
import { join } from "node:path";
import t from "tap";
import { failureOf, native, scratch } from "./addon.js";

t.test("a failure is an Error with the call, the errno and the object", async (t) => {
	const failure = failureOf(() => native.readText({ path: "/nonexistent/file" }));
	t.ok(failure instanceof Error);
	t.match(failure, { syscall: "open", errno: 2, code: "ENOENT", detail: "/nonexistent/file" });
	t.equal(failure.message, "open /nonexistent/file: no such file or directory");
	t.equal(failureOf(() => native.removeDirectory({ path: "/proc" })).message, "rmdir /proc: device or resource busy");
});

t.test("a path with a NUL byte names nothing", async (t) => {
	t.equal(failureOf(() => native.readText({ path: "/etc/passwd\0x" })).code, "ENOENT");
});

t.test("readText reads regular files, empty files, and procfs, which has no sizes", async (t) => {
	const directory = scratch(t);
	const long = "ü€😀".repeat(20_000);
	writeFileSync(join(directory, "long"), long);
	writeFileSync(join(directory, "empty"), "");
	t.equal(native.readText({ path: join(directory, "long") }), long);
	t.equal(native.readText({ path: join(directory, "empty") }), "");
	t.match(native.readText({ path: "/proc/self/status" }), `Pid:\t${process.pid}\n`);
	t.ok(native.readText({ path: "/proc/self/maps" }).length > 4096);
	t.equal(failureOf(() => native.readText({ path: directory })).code, "EISDIR");
});

t.test("readText takes UTF-8 only, unless it is told not to mind", async (t) => {
	const path = join(scratch(t), "text");
	const good = ["\u007f", "\u0080", "\u07ff", "\u0800", "\ud7ff", "\ue000", "\uffff", "\u{10000}", "\u{10ffff}"];
	for (const character of good) {
		writeFileSync(path, `0123456789${character}`);
		t.equal(native.readText({ path }), `0123456789${character}`, JSON.stringify(character));
	}
	const bad = {
		"Latin-1": [0x66, 0xfc, 0x72],
		"a continuation byte alone": [0x80],
		"overlong, two bytes": [0xc1, 0xbf],
		"overlong, three bytes": [0xe0, 0x9f, 0xbf],
		"overlong, four bytes": [0xf0, 0x8f, 0xbf, 0xbf],
		"a surrogate": [0xed, 0xa0, 0x80],
		"above U+10FFFF": [0xf4, 0x90, 0x80, 0x80],
		"a lead byte that none has": [0xf5, 0x80, 0x80, 0x80],
		"a third byte that does not continue": [0xe2, 0x82, 0x41],
		"a character that is cut off": [0xe2, 0x82],
	};
	for (const [name, bytes] of Object.entries(bad)) {
		for (const padding of ["", "12345678", "12345678901"]) {
			writeFileSync(path, Buffer.concat([Buffer.from(padding), Buffer.from(bytes)]));
			t.match(
				failureOf(() => native.readText({ path })),
				{ code: "EILSEQ", detail: path },
				name,
			);
			const text = native.readText({ path, lossy: true });
			t.ok(text.startsWith(padding) && text.includes("\ufffd"), name);
		}
	}
});

t.test("replaceFile swaps the whole file and leaves no temporary one", async (t) => {
	const directory = scratch(t);
	const path = join(directory, "state.json");
	native.replaceFile({ path, text: "one", mode: 0o600 });
	const first = openSync(path, "r");
	native.replaceFile({ path, text: "two", mode: 0o640, sync: true });
	t.equal(readFileSync(first, "utf8"), "one", "a reader of the old file sees the old file");
	closeSync(first);
	t.equal(readFileSync(path, "utf8"), "two");
	t.equal(statSync(path).mode & 0o777, 0o640);
	t.same(readdirSync(directory), ["state.json"]);

	writeFileSync(join(directory, ".state.json"), "left by a killed writer");
	native.replaceFile({ path, text: "three", mode: 0o600 });
	t.equal(readFileSync(path, "utf8"), "three");
	t.same(readdirSync(directory), ["state.json"]);
});

t.test(
	"replaceFile by exchange: the first of its name, and one more, which readers of the old file do not see",
	async (t) => {
		const directory = scratch(t);
		const path = join(directory, "state.json");
		native.replaceFile({ path, text: "one", mode: 0o600, exchange: true });
		const first = openSync(path, "r");
		native.replaceFile({ path, text: "two", mode: 0o640, exchange: true });
		t.equal(readFileSync(first, "utf8"), "one");
		closeSync(first);
		t.equal(readFileSync(path, "utf8"), "two");
		t.equal(statSync(path).mode & 0o777, 0o640);
		t.same(readdirSync(directory), ["state.json"]);
	},
);

t.test("replaceFile does not write through a symlink in the place of its temporary file", async (t) => {
	const directory = scratch(t);
	const victim = join(directory, "victim");
	writeFileSync(victim, "untouched");
	symlinkSync(victim, join(directory, ".pid"));
	native.replaceFile({ path: join(directory, "pid"), text: "1", mode: 0o600 });
	t.equal(readFileSync(victim, "utf8"), "untouched");
	t.notOk(lstatSync(join(directory, "pid")).isSymbolicLink());
});

t.test("replaceFile that fails takes its temporary file away", async (t) => {
	const directory = scratch(t);
	mkdirSync(join(directory, "taken"));
	t.equal(
		failureOf(() => native.replaceFile({ path: join(directory, "taken"), text: "", mode: 0o600 })).syscall,
		"rename",
	);
	t.same(readdirSync(directory), ["taken"]);
});

t.test("appendText creates, then appends", async (t) => {
	const path = join(scratch(t), "log");
	native.appendText({ path, text: "a\n", mode: 0o600 });
	native.appendText({ path, text: "b\n", mode: 0o600 });
	t.equal(readFileSync(path, "utf8"), "a\nb\n");
});

t.test("writeControl needs the file to exist", async (t) => {
	const directory = scratch(t);
	t.equal(failureOf(() => native.writeControl({ path: join(directory, "pids.max"), text: "1" })).code, "ENOENT");
	writeFileSync(join(directory, "pids.max"), "max");
	native.writeControl({ path: join(directory, "pids.max"), text: "100" });
	t.equal(readFileSync(join(directory, "pids.max"), "utf8"), "100");
});

t.test("stat, removeFile, realPath", async (t) => {
	const directory = scratch(t);
	const file = join(directory, "file");
	writeFileSync(file, "12345");
	chmodSync(file, 0o4711);
	symlinkSync("file", join(directory, "link"));
	t.match(native.stat({ path: file }), { type: "file", mode: 0o4711, size: 5, uid: process.getuid?.() });
	t.equal(native.stat({ path: file })?.mtimeMs, statSync(file).mtimeMs);
	t.equal(native.stat({ path: join(directory, "link") })?.type, "file");
	t.equal(native.stat({ path: join(directory, "link"), noFollow: true })?.type, "symlink");
	t.equal(native.stat({ path: "/dev/null" })?.type, "char");
	t.equal(native.stat({ path: join(directory, "none") }), undefined);
	t.equal(native.stat({ path: join(file, "below") }), undefined);
	t.equal(native.realPath({ path: join(directory, ".", "link") }), realpathSync(file));
	native.removeFile({ path: join(directory, "link") });
	t.ok(existsSync(file), "the link went, not its target");
	native.removeFile({ path: join(directory, "link"), missingOk: true });
	t.equal(failureOf(() => native.removeFile({ path: join(directory, "link") })).code, "ENOENT");
});

t.test("sendDatagram: one message, as it is", async (t) => {
	const path = join(scratch(t), "log");
	const socket = native.bindNotify({ path });
	t.teardown(() => closeSync(socket));
	const data = Uint8Array.from([60, 49, 0, 255, 10]);
	native.sendDatagram({ path, data });
	const received = Buffer.alloc(16);
	t.equal(readSync(socket, received), data.length);
	t.same([...received.subarray(0, data.length)], [...data]);
	t.equal(failureOf(() => native.sendDatagram({ path: `${path}-none`, data })).code, "ENOENT");
});
