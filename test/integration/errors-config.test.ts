import { mkdirSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import t from "tap";
import type { Bundle, Edit } from "../support/bundle.js";
import { toJson } from "../support/config.js";
import { failed, oursOnly, runtimeName } from "../support/runtime.js";
import { nothingLeft, workspace } from "../support/workspace.js";

const space = workspace(t);
const ours = runtimeName === "runtime-ts";

interface Case {
	name: string;
	edit?: Edit;
	/** After config.json is written. */
	spoil?: (bundle: Bundle) => void;
	/** Words that runc's callers match on: asked of runc too. */
	runc?: RegExp;
	/** What runtime-ts says beyond: the config value, what was found. */
	message?: RegExp;
}

const text = (bundle: Bundle, change: (json: string) => string) =>
	writeFileSync(join(bundle.path, "config.json"), change(toJson(bundle.config)));

const cases: Case[] = [
	{
		name: "no config.json",
		spoil: (bundle) => rmSync(join(bundle.path, "config.json")),
		runc: /JSON specification file config\.json not found/,
	},
	{ name: "an empty config.json", spoil: (bundle) => text(bundle, () => ""), message: /config\.json/ },
	{
		name: "JSON with an error on its third line",
		spoil: (bundle) => text(bundle, () => '{\n\t"ociVersion": "1.0.2",\n\t"process": oops\n}\n'),
		message: /config\.json.*line 3, column 13/,
	},
	{
		name: "JSON that ends too early",
		spoil: (bundle) => text(bundle, (json) => json.slice(0, 200)),
		message: /config\.json/,
	},
	{
		name: "bytes that are not UTF-8",
		spoil: (bundle) =>
			writeFileSync(join(bundle.path, "config.json"), toJson(bundle.config).replace("/bin", "/b\xefn"), "latin1"),
		message: /config\.json: the file is not valid UTF-8/,
	},
	{
		name: "a duplicate key",
		spoil: (bundle) => text(bundle, (json) => json.replace('"hostname"', '"hostname": "first",\n\t"hostname"')),
		message: /duplicate.*hostname/i,
	},
	{
		name: "arrays a hundred thousand deep",
		spoil: (bundle) =>
			text(bundle, (json) =>
				json.replace("{", `{ "annotations": { "a": ${"[".repeat(100_000)}${"]".repeat(100_000)} },`),
			),
		message: /create failed: config\.json#\/annotations\/a.*nested deeper than 200 levels \(line 1, column \d+\)/,
	},
	{
		name: "a config.json that never ends",
		spoil: ({ path }) => {
			rmSync(join(path, "config.json"));
			symlinkSync("/dev/zero", join(path, "config.json"));
		},
		message: /create failed: open .*\/config\.json: file too large/,
	},
	{
		name: "a config.json that is a directory",
		spoil: ({ path }) => {
			rmSync(join(path, "config.json"));
			mkdirSync(join(path, "config.json"));
		},
		message: /create failed: open .*\/config\.json: is a directory/,
	},
	{
		name: "an unknown namespace",
		edit: (config) => void config.linux.namespaces.push({ type: "flavour" }),
		message: /linux\/namespaces\/5.*flavour|flavour.*linux\/namespaces\/5/s,
	},
	{
		name: "a namespace twice",
		edit: (config) => void config.linux.namespaces.push({ type: "pid" }),
		message: /linux\/namespaces\/5/,
	},
	{
		name: "a namespace path that is missing",
		edit: (config) => {
			config.linux.namespaces[1] = { type: "network", path: "/no/such/netns" };
		},
		runc: /\/no\/such\/netns.*no such file or directory/,
	},
	{
		name: "a mount source that is missing",
		edit: (config) => void config.mounts.push({ destination: "/tmp", source: "/no/such/source", options: ["bind"] }),
		runc: /\/no\/such\/source.*no such file or directory/s,
		message: /config\.json#\/mounts\/7/,
	},
	{
		name: "a filesystem that no kernel has",
		edit: (config) => void config.mounts.push({ destination: "/tmp", type: "floppyfs", source: "x" }),
		runc: /no such device/,
		message: /floppyfs.*config\.json#\/mounts\/7/s,
	},
	{
		name: "a mount option that the filesystem refuses",
		edit: (config) =>
			void config.mounts.push({ destination: "/tmp", type: "tmpfs", source: "x", options: ["nonsense"] }),
		runc: /invalid argument/,
		message: /config\.json#\/mounts\/7/,
	},
	{
		name: "a file where a directory is mounted",
		edit: (config, bundle) => {
			mkdirSync(join(bundle.path, "source"));
			config.mounts.push({ destination: "/etc/passwd", source: "source", options: ["bind"] });
		},
		runc: /not a directory/,
		message: /config\.json#\/mounts\/7/,
	},
	{
		name: "no rootfs",
		edit: (config) => {
			config.root.path = "nowhere";
		},
		runc: /nowhere.*(no such file or directory|does not exist)|invalid rootfs/,
		message: /nowhere.*config\.json#\/root\/path/s,
	},
	{
		name: "a relative working directory",
		edit: (config) => {
			config.process.cwd = "home";
		},
		runc: /Cwd must be an absolute path/,
	},
	{
		name: "no arguments",
		edit: (config) => {
			config.process.args = [];
		},
		runc: /args must not be empty/,
	},
	{
		name: "a resource limit of an unknown kind",
		edit: (config) => {
			config.process.rlimits = [{ type: "RLIMIT_FUN", soft: 1, hard: 1 }];
		},
		message: /RLIMIT_FUN.*process\/rlimits\/0|process\/rlimits\/0.*RLIMIT_FUN/s,
	},
	{
		name: "a version of another age",
		edit: (config) => {
			config.ociVersion = "9.0.0";
		},
		message: /ociVersion/,
	},
	{
		name: "a wrong type",
		spoil: (bundle) => text(bundle, (json) => json.replace(/"cwd": "\/"/, '"cwd": 7')),
		message: /process\/cwd/,
	},
	{
		name: "a mount destination that is missing",
		spoil: (bundle) => text(bundle, (json) => json.replace('"destination": "/dev/shm",', "")),
		message: /mounts\/3/,
	},
];

/** Of a few wrong values runc 1.1 makes the best, which is no reason for us to. */
const lenient = new Set([
	"a duplicate key",
	"a namespace twice",
	"a version of another age",
	"a mount destination that is missing",
]);

for (const { name, edit, spoil, runc, message } of cases) {
	const skip =
		!ours && (lenient.has(name) || runtimeName === "crun")
			? "runtime-ts is stricter, or says it in its own words"
			: false;
	t.test(name, { skip }, async (t) => {
		const container = space.container(edit);
		spoil?.(container.bundle);
		const result = container.create();
		t.ok(failed(result), "exit status 1");
		t.match(result.stderr, result.error, "the log's message is on standard error too");
		t.not(result.error, "");
		if (runc) t.match(result.error, runc);
		if (message && ours) t.match(result.stderr, message);
		t.equal(container.runtime.command(["state", container.id]).status, 1, "there is no container");
		t.same(space.leaks(), []);
	});
}

t.test("a bundle that is missing", async (t) => {
	const result = space.runtime.command(["create", "--bundle", "/no/such/bundle", `${space.token}-missing`]);
	t.ok(failed(result));
	t.match(result.stderr, /no such file or directory/i);
	if (runtimeName !== "crun") t.match(result.error, /\/no\/such\/bundle.*no such file or directory/);
});

t.test("all errors of a file come in one go", { skip: oursOnly }, async (t) => {
	const container = space.container((config) => {
		config.linux.namespaces.push({ type: "flavour" });
		config.process.cwd = "home";
	});
	text(container.bundle, (json) => json.replace('"hostname": "box"', '"hostname": 7'));
	const result = container.create();
	t.equal(result.status, 1);
	for (const pointer of ["/hostname", "/linux/namespaces/5", "/process/cwd"]) {
		t.match(result.stderr, pointer);
	}
});

t.test("unknown properties are ignored", async (t) => {
	const container = space.container();
	text(container.bundle, (json) =>
		json.replace('"process": {', '"x-top": {"deep": [1, {}]},\n"process": {\n"x-inner": 18446744073709551615,'),
	);
	const result = container.run();
	t.equal(result.status, 0, result.stderr);
});

t.test("annotations, byte order, depth: what is odd but right works", async (t) => {
	const container = space.container((config) => {
		config.annotations = { "com.example/ünï": '→ \u0001 \\ " \n', "org.opencontainers.image.stopSignal": "TERM" };
	});
	const result = container.run();
	t.equal(result.status, 0, result.stderr);
});

nothingLeft(t, space);
