/** restore that fails, at each stage, or is killed: nothing is left, and it can be tried again. */
import { existsSync } from "node:fs";
import t from "tap";
import { writeConfig } from "../support/bundle.js";
import { checkpoint, withoutCriu } from "../support/criu.js";
import { Lives } from "../support/lives.js";
import { eventually, nothingLeft, workspace } from "../support/workspace.js";

const space = workspace(t);
const lives = new Lives(space);
const skip = withoutCriu;

t.test("what fails, from the bundle to the pid file", { skip }, async (t) => {
	const { container } = await lives.running((config) => {
		config.mounts.push({ destination: "/volume", type: "bind", source: space.path("io"), options: ["bind"] });
	});
	const images = lives.save(container);
	const config = structuredClone(container.bundle.config);
	const attempt = async (change: (to: typeof config) => void, args: string[], pattern: RegExp) => {
		container.bundle.config = structuredClone(config);
		change(container.bundle.config);
		writeConfig(container.bundle);
		const result = await lives.fails(container, images, ...args);
		t.equal(result.status, 1);
		t.match(result.stderr, pattern);
		t.same(space.leaks(), [], String(pattern));
	};
	const nothing = () => {};
	const failing = { path: "/bin/sh", args: ["sh", "-c", "echo no >&2; exit 3"] };
	await attempt((to) => (to.hooks = { createRuntime: [failing] }), [], /createRuntime hook.*no/s);
	await attempt(nothing, ["--console-socket", "/nowhere"], /cannot use console socket/);
	await attempt(nothing, ["--pid-file", "/nowhere/pid"], /nowhere/);
	await attempt((to) => to.linux.namespaces.push({ type: "time", path: "/nowhere" }), [], /nowhere/);
	const without = (to: typeof config) => {
		to.mounts = to.mounts.filter(({ destination }) => destination !== "/volume");
	};
	await attempt(without, [], /No mapping for \S+ mountpoint[\s\S]*they are of another bundle/);
	await attempt((to) => (to.root = { path: "/nowhere" }), [], /nowhere/);
	await attempt((to) => (to.linux.resources = { unified: { "no.such": "1" } }), [], /no\.such/);
	t.equal(checkpoint(container, images).error, "container does not exist");
	container.bundle.config = config;
	writeConfig(container.bundle);
	await lives.back(container, images);
	t.equal(container.delete("--force").status, 0);
});

t.test("delete --force after a restore that was killed", { skip }, async (t) => {
	const { container } = await lives.running();
	const images = lives.save(container);
	const hook = { path: "/bin/sh", args: ["sh", "-c", `touch ${space.path("reached")}; sleep 1000`] };
	container.bundle.config.hooks = { createRuntime: [hook] };
	writeConfig(container.bundle);
	const args = ["restore", "--detach", "--image-path", images, "--bundle", container.bundle.path, container.id];
	const child = container.runtime.spawn(args, { stdio: "ignore" });
	await eventually(() => existsSync(space.path("reached")), "the hook runs");
	child.kill("SIGKILL");
	await eventually(() => child.signalCode !== null, "it is gone");
	const result = container.delete("--force");
	t.equal(result.status, 0, result.stderr);
	await eventually(() => space.leaks().length === 0, "nothing is left").catch(() => {});
	t.same(space.leaks(), []);
});

nothingLeft(t, space);
