/** The messages of docs/troubleshooting.md, met for real: whoever searches for what they see finds the page. */
import { chmodSync, rmdirSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import t from "tap";
import { messages, pattern } from "../docs/troubleshooting.js";
import type { Edit } from "../support/bundle.js";
import { oursOnly, type Result } from "../support/runtime.js";
import { nothingLeft, workspace } from "../support/workspace.js";

const space = workspace(t);

const run = (edit: Edit) => (): Result => space.container(edit).run();
const args = (...words: string[]) =>
	run((config) => {
		config.process.args = words;
	});
const program = (text: string) =>
	run((config, { rootfs }) => {
		writeFileSync(join(rootfs, "bin/program"), text, { mode: 0o755 });
		config.process.args = ["/bin/program"];
	});
const mapped = [{ containerID: 0, hostID: 100_000, size: 65_536 }];

/** What brings about each message. */
const scenes: Record<string, () => Result> = {
	'exec: "*": executable file not found in $PATH': args("nothere"),
	'exec: "*": stat *: no such file or directory': args("/bin/nothere"),
	'exec: "*": permission denied': run((config, { rootfs }) => {
		writeFileSync(join(rootfs, "bin/text"), "");
		chmodSync(join(rootfs, "bin/text"), 0o644);
		config.process.args = ["/bin/text"];
	}),
	"exec *: no such file or directory": program("#!/bin/bash\n"),
	"exec *: exec format error": program("MZ"),
	"cannot allocate tty if runc will detach without setting console socket": () =>
		space
			.container((config) => {
				config.process.terminal = true;
			})
			.create(),
	"cannot use console socket if runc will not detach or allocate tty": () =>
		space.container().run(["--console-socket", space.path("none")]),
	"JSON specification file config.json not found": () =>
		space.runtime.command(["run", "--bundle", space.directory, `${space.token}-x`]),
	"invalid rootfs: stat *: no such file or directory": run((config) => {
		config.root.path = "nothere";
	}),
	"* has * errors": run((config) => {
		config.process.cwd = "relative";
		config.process.args = [];
	}),
	"File config.json exists. Remove it first": () =>
		space.runtime.command(["spec", "--bundle", space.container().bundle.path]),
	"container with given ID already exists": () => {
		const container = space.container();
		container.create();
		const result = container.create();
		container.delete("--force");
		return result;
	},
	"container does not exist": () => space.container().start(),
	"container not running": () => {
		const container = space.container();
		container.run(["--keep"]);
		const result = container.kill();
		container.delete();
		return result;
	},
	"cannot start a container that has stopped": () => {
		const container = space.container();
		container.run(["--keep"]);
		const result = container.start();
		container.delete();
		return result;
	},
	"cannot delete container * that is not stopped: *": () => {
		const container = space.container((config) => {
			config.process.args = ["/bin/sleep", "1000"];
		});
		container.run(["--detach"]);
		const result = container.delete();
		container.delete("--force");
		return result;
	},
	"invalid container ID format": () => space.runtime.command(["create", "a b"]),
	'error mounting "*" to rootfs at "*": bind * on *: no such file or directory': run((config) => {
		config.mounts.push({ destination: "/data", type: "bind", source: "nothere", options: ["rbind"] });
	}),
	'error mounting "*" to rootfs at "*": mount * on *: no such device': run((config) => {
		config.mounts.push({ destination: "/data", type: "none", source: "/tmp" });
	}),
	'error mounting "*" to rootfs at "*": mount * on *: operation not permitted': run((config, { rootfs }) => {
		chmodSync(rootfs, 0o777);
		config.linux.namespaces = config.linux.namespaces.filter(({ type }) => type !== "pid");
		config.linux.namespaces.push({ type: "user" });
		config.linux.uidMappings = mapped;
		config.linux.gidMappings = mapped;
	}),
	"must be mounted on ordinary directory": run((_config, { rootfs }) => {
		rmdirSync(join(rootfs, "proc"));
		symlinkSync("/tmp", join(rootfs, "proc"));
	}),
	'"*" cannot be mounted because it is inside /proc': run((config) => {
		config.mounts.push({ destination: "/proc/tty", type: "tmpfs", source: "tmpfs" });
	}),
	"container init was OOM-killed (memory limit too low?)": run((config) => {
		config.linux.resources = { ...config.linux.resources, memory: { limit: 4096 } };
	}),
	"user namespaces enabled, but no * mappings found": run((config) => {
		config.linux.namespaces.push({ type: "user" });
	}),
	'sysctl "*" is not in a separate kernel namespace': run((config) => {
		config.linux.sysctl = { "kernel.panic": "1" };
	}),
	'sysctl "*" not allowed in host network namespace': run((config) => {
		config.linux.namespaces = config.linux.namespaces.filter(({ type }) => type !== "network");
		config.linux.sysctl = { "net.ipv4.ip_forward": "1" };
	}),
	"error running * hook #*: *": run((config) => {
		config.hooks = { createRuntime: [{ path: "/bin/false" }] };
	}),
	"cannot open log file: *": () =>
		space.runtime.command(["list"], { globals: ["--root", space.root, "--log", space.path("nothere", "log")] }),
};

t.test("what is met is what the page has", { skip: oursOnly }, async (t) => {
	for (const [message, scene] of Object.entries(scenes)) {
		t.ok(messages.includes(message), `the page has ${message}`);
		const { status, stderr } = scene();
		t.equal(status, 1, message);
		t.match(stderr, pattern(message));
	}
});

nothingLeft(t, space);
