/** Mutated frames and plans through the init's readers, with sanitizers; the same few thousand each time. */
import { execFileSync } from "node:child_process";
import { mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import t from "tap";

const directory = mkdtempSync(join(tmpdir(), "rti-fuzz"));
t.teardown(() => rmSync(directory, { recursive: true, force: true }));

/** Numerical Recipes' generator: a test that fails must fail again. */
let state = 20261121;
function random(below: number): number {
	state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
	return Math.floor((state / 2 ** 32) * below);
}

const plan = JSON.stringify({
	version: 1,
	id: "x",
	trace: true,
	init: [
		{ op: "clone", namespaces: ["mount", "pid"] },
		{
			op: "mount.filesystem",
			destination: "/a",
			options: ["x", ["size", "1"]],
			attributes: { set: ["rdonly"], clear: ["nodev"], atime: "noatime" },
		},
		{ op: "mount.bind", destination: "/b", propagation: ["rprivate"], recursive: { set: ["nosuid"] } },
		{ op: "hook.run", args: ["a"], env: ["A=\\u00e9"], timeout: 1, state: { id: "x", annotations: { a: "b" } } },
		{ op: "exec", args: ["sh"], env: [], preserveFds: 0 },
	],
});

function frame(kind: number, payload: string | Buffer): Buffer {
	const body = Buffer.from(payload);
	const header = Buffer.alloc(8);
	header.writeUInt32LE(kind, 0);
	header.writeUInt32LE(body.length, 4);
	return Buffer.concat([header, body]);
}

function mutate(seed: Buffer): Buffer {
	const bytes = Buffer.from(seed);
	for (let i = 0; i <= random(6); i++) {
		const at = random(bytes.length);
		if (random(3) === 0) bytes.copyWithin(at, random(bytes.length));
		else bytes[at] = random(2) === 0 ? random(256) : '"[]{},:0\\-'.charCodeAt(random(10));
	}
	return random(4) === 0 ? bytes.subarray(0, random(bytes.length)) : bytes;
}

t.test("no input makes the readers misbehave", async (t) => {
	const binary = join(directory, "fuzz");
	const folder = (name: string) =>
		readdirSync(name)
			.filter((file) => file.endsWith(".cc") && !file.startsWith("host_"))
			.map((file) => join(name, file));
	const sources = [
		...folder("addon/steps"),
		...folder("addon/init").filter((file) => !file.endsWith("main.cc")),
		"addon/common/frame.cc",
		"addon/common/priorities.cc",
		"addon/init/fuzz/plan.cc",
	];
	const flags = ["-std=c++20", "-O1", "-g", "-D_GNU_SOURCE", "-D_FILE_OFFSET_BITS=64", "-DSTANDALONE", "-Iaddon"];
	execFileSync(
		"c++",
		[...flags, "-fsanitize=address,undefined", "-fno-sanitize-recover=all", "-o", binary, ...sources],
		{ stdio: "inherit" },
	);

	const seeds = [
		frame(16, plan),
		Buffer.concat([frame(18, "/a\n"), frame(16, plan), frame(22, "")]),
		frame(20, Buffer.alloc(64, 6)),
	];
	const inputs = join(directory, "inputs");
	mkdirSync(inputs);
	const files = Array.from({ length: 3000 }, (_, index) => {
		const file = join(inputs, String(index));
		writeFileSync(file, mutate(seeds[index % seeds.length] as Buffer));
		return file;
	});
	t.doesNotThrow(() => execFileSync(binary, files, { stdio: "inherit" }));
});
