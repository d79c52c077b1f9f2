import { existsSync, readdirSync, readFileSync } from "node:fs";
import t from "tap";
import type { Hook } from "../support/config.js";
import { failed, oursOnly, runtimeName, unlessPeer } from "../support/runtime.js";
import { nothingLeft, workspace } from "../support/workspace.js";

const space = workspace(t);
const shell = (script: string): Hook => ({ path: "/bin/sh", args: ["sh", "-c", script], env: ["PATH=/usr/bin:/bin"] });
const early = ["prestart", "createRuntime", "createContainer"] as const;
/** runc 1.1 waits for all that hold the hook's output, so a hook with children outlives its timeout. */
const seconds = `${3000 + process.pid}`;
const children = runtimeName === "runc" ? `exec sleep ${seconds}` : `sleep ${seconds} & sleep ${seconds}`;

function hookProcesses(): string[] {
	return readdirSync("/proc").filter((name) => {
		if (!/^\d+$/.test(name)) return false;
		try {
			return readFileSync(`/proc/${name}/cmdline`, "latin1") === `sleep\0${seconds}\0`;
		} catch {
			return false; // it has ended meanwhile
		}
	});
}
const ours = runtimeName === "runtime-ts";

t.test("a failing hook before start: create fails, tells why, runs no later hook, leaves nothing", async (t) => {
	for (const kind of early) {
		const mark = space.path(`after-${kind}`);
		const container = space.container((config) => {
			config.hooks = { [kind]: [shell("exit 0"), shell("echo the reason >&2; exit 7"), shell(`touch ${mark}`)] };
		});
		const result = container.create();
		t.ok(failed(result), kind);
		t.match(result.error, /hook/, kind);
		if (ours) {
			t.match(result.error, `error running ${kind} hook #1`);
			t.match(result.error, /exit status 7/);
			t.match(result.error, /exit status 7, output: the reason/, "engines show nothing but the message");
			t.match(result.stderr, /the reason/, "and on standard error");
		}
		t.notOk(existsSync(mark), "the list stops at the failure");
		t.equal(container.runtime.command(["state", container.id]).status, 1, "there is no container");
		t.same(space.leaks(), [], kind);
	}
});

t.test("after a failure poststop hooks run", { skip: unlessPeer({ crun: "1.8 runs none" }) }, async (t) => {
	const mark = space.path("poststop-ran");
	const container = space.container((config) => {
		config.hooks = { createRuntime: [shell("exit 1")], poststop: [shell(`cat > ${mark}`)] };
	});
	t.equal(container.create().status, 1);
	t.match(JSON.parse(readFileSync(mark, "utf8")), { id: container.id, status: "stopped" });
});

t.test("a hook that is missing, or not executable, fails as one that says no", async (t) => {
	for (const path of ["/no/such/hook", "/etc/passwd"]) {
		for (const kind of early) {
			const result = space
				.container((config) => {
					config.hooks = { [kind]: [{ path }] };
				})
				.create();
			t.ok(failed(result), `${kind} ${path}`);
			if (ours) t.match(result.error, path);
		}
	}
});

t.test("a hook that hangs is ended at its timeout, with its children", async (t) => {
	for (const kind of early) {
		const begin = Date.now();
		const container = space.container((config) => {
			config.hooks = { [kind]: [{ ...shell(children), timeout: 1 }] };
		});
		const result = container.create();
		const elapsed = Date.now() - begin;
		t.ok(failed(result), kind);
		t.ok(elapsed >= 900 && elapsed < 5000, `${kind}: ${elapsed} ms`);
		if (runtimeName === "crun") for (const pid of hookProcesses()) process.kill(Number(pid), "SIGKILL");
		else t.same(hookProcesses(), [], `${kind}: none of its processes is left`);
	}
});

t.test("a hook that ignores its standard input, or closes it, does not disturb", async (t) => {
	const container = space.container((config) => {
		config.annotations = { filler: "x".repeat(200_000) };
		config.hooks = { createRuntime: [shell("exec 0<&-; sleep 0.05")], poststop: [shell("exit 0")] };
	});
	const result = container.run();
	t.equal(result.status, 0, result.stderr);
});

t.test("a hook that writes much does not block", async (t) => {
	const container = space.container((config) => {
		config.hooks = { createRuntime: [shell("head -c 300000 /dev/zero; head -c 300000 /dev/zero >&2")] };
	});
	t.equal(container.run().status, 0);
});

t.test(
	"a failing startContainer hook: start fails, the process never runs, the container is gone or stopped",
	{ skip: unlessPeer({ runc: "1.1 reports it to nobody", crun: "1.8 reports it to nobody" }) },
	async (t) => {
		const container = space.container((config) => {
			config.hooks = { startContainer: [{ path: "/bin/sh", args: ["sh", "-c", "echo the reason >&2; exit 9"] }] };
			config.process.args = ["/bin/echo", "must not run"];
		});
		t.equal(container.create().status, 0);
		const result = container.start();
		t.equal(result.status, 1);
		t.match(result.error, /error running startContainer hook #0/);
		t.equal(container.output.includes("must not run"), false);
		t.equal(container.delete("--force").status, 0);
	},
);

t.test(
	"a failing poststart hook: start fails and the container is stopped",
	{ skip: unlessPeer({ runc: "1.1 runs it at create", crun: "1.8 only warns" }) },
	async (t) => {
		const container = space.container((config) => {
			config.hooks = { poststart: [shell("exit 3")] };
			config.process.args = ["/bin/sleep", "100"];
		});
		t.equal(container.create().status, 0);
		const result = container.start();
		t.equal(result.status, 1);
		t.match(result.error, /hook/);
		const state = container.runtime.command(["state", container.id]);
		if (state.status === 0) {
			await container.stopped();
			t.equal(container.delete("--force").status, 0);
		}
	},
);

t.test(
	"a failing poststop hook: a warning, the others run, delete succeeds",
	{ skip: unlessPeer({ runc: "1.1 stops at the failure" }) },
	async (t) => {
		const mark = space.path("second-poststop");
		const container = space.container((config) => {
			config.hooks = { poststop: [shell("exit 3"), shell(`touch ${mark}`)] };
		});
		t.equal(container.create().status, 0);
		const result = container.runtime.command(["delete", "--force", container.id], { debug: true });
		t.equal(result.status, 0);
		t.ok(existsSync(mark));
		t.ok(result.log.some((record) => record.level === "warning" && /hook/.test(record.msg)) || runtimeName === "crun");
	},
);

t.test("a failing poststop hook of a create that fails, or of a run, is told too", { skip: oursOnly }, async (t) => {
	const words = /warning: .*poststop hook #0: exit status 3, output: not this time/;
	const failing = space.container((config) => {
		config.hooks = { createRuntime: [shell("exit 1")], poststop: [shell("echo not this time; exit 3")] };
	});
	const create = failing.create();
	t.equal(create.status, 1);
	t.match(create.stderr, words);
	t.equal(create.log.length, 1, "Podman takes the log of create for one object");
	const container = space.container((config) => {
		config.hooks = { poststop: [shell("echo not this time; exit 3")] };
		config.process.args = ["/bin/sh", "-c", "exit 5"];
	});
	const run = container.run([], { globals: [] });
	t.equal(run.status, 5, "the process's own status");
	t.match(run.stderr, words);
	t.equal(container.runtime.command(["state", container.id]).status, 1, "the container is gone");
});

t.test("of much output the message has the last lines", { skip: oursOnly }, async (t) => {
	for (const kind of early) {
		const container = space.container((config) => {
			config.hooks = { [kind]: [shell("seq 100000; echo the reason >&2; exit 7")] };
		});
		const { error } = container.create();
		t.match(error, /exit status 7, output: … .*; 99999; 100000; the reason/, kind);
		t.ok(error.length < 1500, `${kind}: ${error.length} characters`);
	}
});

t.test("a failing hook in run gives status 1 and leaves nothing", async (t) => {
	for (const kind of early) {
		const container = space.container((config) => {
			config.hooks = { [kind]: [shell("exit 4")] };
			config.process.args = ["/bin/sh", "-c", "exit 5"];
		});
		t.ok(failed(container.run()), kind);
		t.equal(container.runtime.command(["state", container.id]).status, 1);
	}
});

nothingLeft(t, space);
