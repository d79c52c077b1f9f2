/** Annotations that change what the runtime does, as a process in the container, or a reader of the files, sees it. */
import { readFileSync, statSync, writeFileSync } from "node:fs";
import { arch } from "node:os";
import { getgroups, setgroups } from "node:process";
import t from "tap";
import type { Config } from "../support/config.js";
import { unlessPeer } from "../support/runtime.js";
import { nothingLeft, workspace } from "../support/workspace.js";

const space = workspace(t);
const notRunc = unlessPeer({ runc: "these are crun's" });
const own = unlessPeer({ runc: "these are crun's", crun: "other words" });

/** Warnings go nowhere without it: engines take the log for one error. */
const debug = { globals: ["--debug"] };

/** Classic BPF: mkdirat of x86-64 fails with this errno, everything else is allowed. */
function forbidMkdir(errno: number): string {
	const program = Buffer.alloc(4 * 8);
	const instructions = [
		[0x20, 0, 0, 0],
		[0x15, 0, 1, 258],
		[0x06, 0, 0, 0x00050000 | errno],
		[0x06, 0, 0, 0x7fff0000],
	] as const;
	instructions.forEach(([code, yes, no, k], index) => {
		program.writeUInt16LE(code, 8 * index);
		program.writeUInt8(yes, 8 * index + 2);
		program.writeUInt8(no, 8 * index + 3);
		program.writeUInt32LE(k, 8 * index + 4);
	});
	return program.toString("base64");
}

const status = "grep -E '^Seccomp' /proc/self/status";

t.test("seccomp_bpf_data", { skip: arch() === "x64" ? notRunc : "the numbers in it are x86-64's" }, async (t) => {
	const annotations = { "run.oci.seccomp_bpf_data": forbidMkdir(95) };
	const questions = { status, mkdir: "probe call mkdir /tmp/d", personality: "probe call personality 0xffffffff" };
	for (const noNewPrivileges of [true, false]) {
		const seen = space.inside((config) => {
			config.annotations = annotations;
			config.process.noNewPrivileges = noNewPrivileges;
			// It takes the place of the profile.
			config.linux.seccomp = {
				defaultAction: "SCMP_ACT_ALLOW",
				syscalls: [{ names: ["personality"], action: "SCMP_ACT_ERRNO" }],
			};
		}, questions);
		t.match(seen.status, /Seccomp:\t2\nSeccomp_filters:\t1/);
		t.equal(seen.mkdir, "EOPNOTSUPP");
		t.match(seen.personality, /^ok/);
	}
});

t.test("seccomp_bpf_data needs no linux.seccomp", { skip: arch() === "x64" ? own : "x86-64's numbers" }, async (t) => {
	const seen = space.inside(
		(config) => {
			config.annotations = { "run.oci.seccomp_bpf_data": forbidMkdir(28) };
			delete config.linux.seccomp;
		},
		{ mkdir: "probe call mkdir /tmp/d" },
	);
	t.equal(seen.mkdir, "ENOSPC");
});

t.test(
	"seccomp_bpf_data that the kernel refuses, and one that would leave an agent waiting",
	{ skip: own },
	async (t) => {
		const bad = Buffer.alloc(8, 0xff).toString("base64");
		const refused = space
			.container((config) => {
				config.annotations = { "run.oci.seccomp_bpf_data": bad };
			})
			.run();
		t.equal(refused.status, 1);
		t.match(refused.error, /error loading seccomp filter into kernel: .*invalid argument/);
		t.match(refused.error, /run\.oci\.seccomp_bpf_data/);
		const waiting = space
			.container((config) => {
				config.annotations = { "run.oci.seccomp_bpf_data": forbidMkdir(1) };
				config.linux.seccomp = {
					defaultAction: "SCMP_ACT_ALLOW",
					listenerPath: "/agent",
					syscalls: [{ names: ["mkdir"], action: "SCMP_ACT_NOTIFY" }],
				};
			})
			.run();
		t.equal(waiting.status, 1);
		t.match(waiting.error, /run\.oci\.seccomp_bpf_data replaces a profile with SCMP_ACT_NOTIFY/);
	},
);

t.test("seccomp_fail_unknown_syscall", { skip: notRunc }, async (t) => {
	const profile = (value: string) => (config: Config) => {
		config.annotations = { "run.oci.seccomp_fail_unknown_syscall": value };
		config.process.args = ["/bin/true"];
		config.linux.seccomp = {
			defaultAction: "SCMP_ACT_ALLOW",
			syscalls: [{ names: ["no_such_call"], action: "SCMP_ACT_ERRNO" }],
		};
	};
	const strict = space.container(profile("1")).run();
	t.equal(strict.status, 1);
	t.match(strict.error, /no_such_call/);
	t.equal(space.container(profile("0")).run().status, 0);
});

t.test("keep_original_groups", { skip: notRunc }, async (t) => {
	const before = getgroups?.() ?? [];
	const groups = (annotations: Record<string, string>, additionalGids: number[]) =>
		space.inside(
			(config) => {
				config.annotations = annotations;
				config.process.user = { uid: 1000, gid: 1000, additionalGids };
			},
			{ groups: "grep ^Groups: /proc/self/status" },
		).groups;
	setgroups?.([4242, 4343]);
	try {
		t.equal(groups({}, [7]).trim(), "Groups:\t7");
		t.equal(groups({ "run.oci.keep_original_groups": "0" }, []).trim(), "Groups:");
		t.match(groups({ "run.oci.keep_original_groups": "1" }, []), /Groups:\t4242 4343/);
	} finally {
		setgroups?.(before);
	}
});

t.test("groups that keep_original_groups leaves aside are told of", { skip: own }, async (t) => {
	const result = space
		.container((config) => {
			config.annotations = { "run.oci.keep_original_groups": "1" };
			config.process.user = { uid: 0, gid: 0, additionalGids: [7] };
			config.process.args = ["/bin/true"];
		})
		.run([], debug);
	t.equal(result.status, 0);
	t.match(result.stderr, /has no effect with the annotation run\.oci\.keep_original_groups" pointer=.*additionalGids/);
});

const stages = ["prestart", "createRuntime", "createContainer", "startContainer", "poststart", "poststop"] as const;

t.test("hooks.stdout and hooks.stderr", { skip: own }, async (t) => {
	const files = { stdout: space.path("hooks.out"), stderr: space.path("hooks.err") };
	// Appended to.
	writeFileSync(files.stdout, "before\n", { mode: 0o600 });
	const container = space.container((config) => {
		config.annotations = { "run.oci.hooks.stdout": files.stdout, "run.oci.hooks.stderr": files.stderr };
		config.process.args = ["/bin/true"];
		config.hooks = Object.fromEntries(
			stages.map((stage) => [
				stage,
				[
					{
						path: "/bin/sh",
						args: ["sh", "-c", `echo out of ${stage}; echo error of ${stage} >&2`],
						env: ["PATH=/bin"],
					},
				],
			]),
		);
	});
	t.equal(container.create().status, 0);
	t.equal(container.start().status, 0);
	await container.stopped();
	t.equal(container.delete().status, 0);
	const lines = (word: string) => stages.map((stage) => `${word} of ${stage}\n`).join("");
	t.equal(readFileSync(files.stdout, "utf8"), `before\n${lines("out")}`);
	t.equal(readFileSync(files.stderr, "utf8"), lines("error"));
	t.equal(statSync(files.stderr).mode & 0o777, 0o600);
});

t.test("a hook that fails, with its output in a file", { skip: own }, async (t) => {
	const file = space.path("failing.err");
	for (const stage of ["createRuntime", "createContainer"] as const) {
		const result = space
			.container((config) => {
				config.annotations = { "run.oci.hooks.stderr": file };
				config.hooks = { [stage]: [{ path: "/bin/sh", args: ["sh", "-c", `echo ${stage} complains >&2; exit 3`] }] };
			})
			.run();
		t.equal(result.status, 1);
		t.match(result.error, new RegExp(`${stage} hook #0: exit status 3`));
		t.match(readFileSync(file, "utf8"), `${stage} complains`);
	}
});

t.test("a file that can't be opened is an error that names it", { skip: own }, async (t) => {
	const file = space.path("missing", "hooks.out");
	for (const stage of ["createRuntime", "createContainer"] as const) {
		const result = space
			.container((config) => {
				config.annotations = { "run.oci.hooks.stdout": file };
				config.hooks = { [stage]: [{ path: "/bin/true" }] };
			})
			.run();
		t.equal(result.status, 1, stage);
		t.match(result.error, /no such file or directory/, stage);
	}
});

t.test("others mean nothing, and are handed on", async (t) => {
	const container = space.container((config) => {
		config.annotations = { "org.criu.config": "/nowhere", "some.body/else's": "value", "run.oci.unknown": "1" };
		config.process.args = ["/bin/true"];
	});
	t.equal(container.create().status, 0);
	t.match(container.state().annotations, { "org.criu.config": "/nowhere", "some.body/else's": "value" });
	container.delete("--force");
});

t.test("a property of a unit is told to have no effect", { skip: own }, async (t) => {
	const result = space
		.container((config) => {
			config.annotations = { "org.systemd.property.TimeoutStopUSec": "uint64 123456789" };
			config.process.args = ["/bin/true"];
		})
		.run([], debug);
	t.equal(result.status, 0);
	t.match(result.stderr, /has no effect: .* pointer=.*org\.systemd\.property\.TimeoutStopUSec/);
});

nothingLeft(t, space);
