import { chmodSync, mkdirSync, readFileSync, realpathSync, statSync, symlinkSync, writeFileSync } from "node:fs";
import t from "tap";
import { loadBundle } from "../../src/bundle/load.js";
import type { RuntimeError } from "../../src/errors.js";
import type { Native } from "../../src/native/api.js";
import { type Bent, bentText } from "./base.js";

function failing<Result>(syscall: string, action: () => Result): Result {
	try {
		return action();
	} catch (error) {
		throw Object.assign(error as Error, { syscall });
	}
}

/** The three verbs that loading needs, over node:fs. */
const native = {
	realPath: ({ path }: { path: string }) => failing("realpath", () => realpathSync(path)),
	readText: ({ path }: { path: string }) => failing("open", () => readFileSync(path, "utf8")),
	stat: ({ path }: { path: string }) => ({ type: statSync(path).isDirectory() ? "directory" : "file" }),
} as unknown as Native;

function refusal(path: string, by: Native = native): RuntimeError {
	try {
		loadBundle(by, path);
	} catch (error) {
		return error as RuntimeError;
	}
	throw new Error("the bundle was loaded");
}

t.test("a good bundle", async (t) => {
	const path = realpathSync(t.testdir({ "config.json": bentText(() => {}), rootfs: {} }));
	const bundle = loadBundle(native, path);
	t.equal(bundle.path, path);
	t.equal(bundle.rootfs, `${path}/rootfs`);
	t.equal(bundle.spec.hostname, "box");
	t.same(bundle.warnings, []);
});

t.test("paths come out absolute and without symlinks", async (t) => {
	const path = realpathSync(t.testdir({ real: { "config.json": bentText(() => {}) }, files: {} }));
	symlinkSync("real", `${path}/link`);
	symlinkSync("../files", `${path}/real/rootfs`);
	const bundle = loadBundle(native, `${path}/link`);
	t.equal(bundle.path, `${path}/real`);
	t.equal(bundle.rootfs, `${path}/files`);
});

t.test("warnings do not refuse a bundle", async (t) => {
	const path = t.testdir({ "config.json": bentText((c) => (c.process.env = ["ODD"])), rootfs: {} });
	t.match(loadBundle(native, path).warnings, [{ severity: "warning", pointer: "/process/env/0" }]);
});

t.test("what is not there", async (t) => {
	const path = realpathSync(t.testdir({ empty: {}, noroot: { "config.json": bentText(() => {}) } }));
	t.match(refusal(`${path}/none`), {
		code: "bundle.missing",
		message: `chdir ${path}/none: no such file or directory`,
	});
	t.match(refusal(`${path}/empty`), {
		code: "bundle.missing",
		message: "JSON specification file config.json not found",
	});
	t.match(refusal(`${path}/noroot`), {
		code: "config.invalid",
		message: `invalid rootfs: stat ${path}/noroot/rootfs: no such file or directory (config.json#/root/path)`,
		context: { pointer: "/root/path", errno: "ENOENT" },
	});
	writeFileSync(`${path}/noroot/rootfs`, "");
	t.match(refusal(`${path}/noroot`).message, /rootfs: not a directory/);
});

t.test("what cannot be read", async (t) => {
	const path = realpathSync(t.testdir({ "config.json": "{}" }));
	mkdirSync(`${path}/sub/config.json`, { recursive: true });
	t.match(refusal(`${path}/sub`), {
		code: "config.unreadable",
		message: `open ${path}/sub/config.json: is a directory`,
	});
	chmodSync(`${path}/config.json`, 0);
	const denied = {
		...native,
		readText: () =>
			failing("open", () => {
				throw Object.assign(new Error(), { code: "EACCES" });
			}),
	};
	t.match(refusal(path, denied), { code: "config.unreadable", message: `open ${path}/config.json: permission denied` });
	const latin1 = {
		...native,
		readText: () =>
			failing("read", () => {
				throw Object.assign(new Error(), { code: "EILSEQ" });
			}),
	};
	t.match(refusal(path, latin1), { code: "config.syntax", message: "config.json: the file is not valid UTF-8" });
});

t.test("a single error is one line, several are a list", async (t) => {
	const one = t.testdir({ "config.json": bentText((c) => (c.linux.namespaces[2].type = "mnt")), rootfs: {} });
	t.match(refusal(one), {
		code: "config.invalid",
		message: /^config\.json#\/linux\/namespaces\/2\/type: expected one of [^\n]*; found "mnt" \(line 1, column \d+\)$/,
		context: { pointer: "/linux/namespaces/2/type" },
	});
	const bend = (c: { hostname: unknown; root: { path: unknown } }) => {
		c.hostname = 1;
		c.root.path = 2;
	};
	writeFileSync(`${one}/config.json`, bentText(bend));
	t.match(refusal(one).message.split("\n"), [
		"config.json has 2 errors",
		/^ {2}config\.json#\/root\/path: /,
		/^ {2}config\.json#\/hostname: /,
	]);
});

t.test("errors of the schema and of the rules come together", async (t) => {
	const bend = (c: Bent) => {
		c.process.user.uid = -1;
		c.process.rlimits = [
			{ type: "RLIMIT_NOFILE", soft: "x", hard: 1 },
			{ type: "RLIMIT_FOO", soft: 1, hard: 1 },
		];
		c.mounts = [{ destination: 5 }, { type: "tmpfs" }, { destination: "/x", options: ["bind"] }];
		c.linux.namespaces.push({ type: "pid" });
		c.linux.sysctl = { "kernel.foo": "1" };
	};
	const path = t.testdir({ "config.json": bentText(bend), rootfs: {} });
	const lines = refusal(path).message.split("\n");
	t.equal(lines[0], "config.json has 8 errors");
	for (const pointer of [
		"/process/user/uid: expected an unsigned 32-bit integer; found -1",
		'/process/rlimits/0/soft: expected an unsigned 64-bit integer; found "x"',
		"/process/rlimits/1/type: expected one of RLIMIT_AS",
		"/mounts/0/destination: expected a string; found 5",
		"/mounts/1/destination: is required, but missing",
		"/mounts/2/source: a bind mount needs",
		"/linux/namespaces/6/type: malformed spec file: duplicated ns",
		'/linux/sysctl/kernel.foo: sysctl "kernel.foo" is not in a separate kernel namespace',
	])
		t.ok(
			lines.some((line) => line.startsWith(`  config.json#${pointer}`)),
			pointer,
		);
	t.ok(
		lines.slice(1).every((line) => /\(line 1, column \d+\)$/.test(line)),
		"each with its place",
	);
});

t.test("what follows from an error is no second error", async (t) => {
	const bend = (c: Bent) => {
		for (const namespace of c.linux.namespaces) namespace.type += "s";
		c.hostname = "needs a UTS namespace";
		c.linux.sysctl = { "net.ipv4.ip_forward": "1" };
		c.linux.uidMappings = [{ containerID: 0, hostID: 0, size: 1 }];
	};
	const path = t.testdir({ "config.json": bentText(bend), rootfs: {} });
	for (const line of refusal(path).message.split("\n").slice(1)) t.match(line, /namespaces\/\d\/type: expected one of/);
	for (const broken of ["linux", "process", "mounts", "root"]) {
		const one = t.testdir({ "config.json": bentText((c: Bent) => (c[broken] = 5)), rootfs: {} });
		t.match(refusal(one).message, `config.json#/${broken}: expected an`, broken);
		t.notMatch(refusal(one).message, /\n/, "and nothing else");
	}
});

t.test("malformed JSON says line and column", async (t) => {
	const path = t.testdir({ "config.json": '{\n\t"ociVersion" "1.0.0"\n}' });
	t.equal(refusal(path).code, "config.syntax");
	t.equal(refusal(path).message, 'config.json: expected ":" after the property name; found "\\"" (line 2, column 15)');
});
