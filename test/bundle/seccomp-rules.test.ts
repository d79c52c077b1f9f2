/** The rules of linux.seccomp and of the annotations that mean something, each with what it takes and what it refuses. */
import t from "tap";
import { type Bent, bentText, type Case, said } from "./base.js";

const seccomp = (c: Bent, more: object, ...syscalls: object[]) =>
	(c.linux.seccomp = { defaultAction: "SCMP_ACT_ALLOW", ...more, syscalls });
const notify = (...names: string[]) => ({ names, action: "SCMP_ACT_NOTIFY" });
const annotate = (name: string, value: string) => (c: Bent) => (c.annotations = { [name]: value });
const at = "config.json#/linux/seccomp";
const bpf = "run.oci.seccomp_bpf_data";

const GOOD: Case[] = [
	["notify", (c) => seccomp(c, { listenerPath: "/agent", listenerMetadata: "m" }, notify("mkdir"))],
	["a listener that nothing uses", (c) => seccomp(c, { listenerPath: "/agent" })],
	["write, but not for the agent", (c) => seccomp(c, {}, { names: ["write"], action: "SCMP_ACT_LOG" })],
	["largest errno", (c) => seccomp(c, {}, { names: ["mkdir"], action: "SCMP_ACT_ERRNO", errnoRet: 4095 })],
	[
		"largest number for a tracer",
		(c) => seccomp(c, {}, { names: ["mkdir"], action: "SCMP_ACT_TRACE", errnoRet: 65535 }),
	],
	["default errno", (c) => seccomp(c, { defaultAction: "SCMP_ACT_ERRNO", defaultErrnoRet: 0 })],
	["unknown annotations", annotate("org.example.seccomp.plugins", "x")],
	["a BPF program", annotate(bpf, Buffer.alloc(16).toString("base64"))],
	["the longest BPF program", annotate(bpf, Buffer.alloc(8 * 4096).toString("base64"))],
	["files for hooks", annotate("run.oci.hooks.stdout", "/var/log/hooks")],
	["CRIU's configuration", annotate("org.criu.config", "/etc/criu.conf")],
];

const BAD: Case[] = [
	[
		"notify as default",
		(c) => seccomp(c, { defaultAction: "SCMP_ACT_NOTIFY", listenerPath: "/agent" }),
		`${at}/defaultAction: SCMP_ACT_NOTIFY cannot be used as default action`,
	],
	[
		"notify of write",
		(c) => seccomp(c, { listenerPath: "/agent" }, notify("mkdir"), notify("read", "write")),
		`${at}/syscalls/1/names/1: SCMP_ACT_NOTIFY cannot be used for the write syscall`,
	],
	[
		"notify without a listener",
		(c) => seccomp(c, {}, notify("mkdir")),
		`${at}/listenerPath: listenerPath is not set, and SCMP_ACT_NOTIFY is used`,
	],
	[
		"metadata without a listener",
		(c) => seccomp(c, { listenerMetadata: "m" }),
		`${at}/listenerMetadata: must not be set without listenerPath`,
	],
	[
		"errno of an action that has none",
		(c) => seccomp(c, { defaultErrnoRet: 1 }, { names: ["mkdir"], action: "SCMP_ACT_KILL", errnoRet: 1 }),
		`${at}/defaultErrnoRet: the action SCMP_ACT_ALLOW has no errno`,
		`${at}/syscalls/0/errnoRet: the action SCMP_ACT_KILL has no errno`,
	],
	[
		"errno that the kernel would cut off",
		(c) => seccomp(c, {}, { names: ["mkdir"], action: "SCMP_ACT_ERRNO", errnoRet: 4096 }),
		`${at}/syscalls/0/errnoRet: expected an integer from 0 to 4095; found 4096`,
	],
	[
		"more than sixteen bits for a tracer",
		(c) => seccomp(c, { defaultAction: "SCMP_ACT_TRACE", defaultErrnoRet: 65536 }),
		`${at}/defaultErrnoRet: expected an integer from 0 to 65535; found 65536`,
	],
	["no base64", annotate(bpf, "%%%="), `config.json#/annotations/${bpf}: expected a BPF program in base64`],
	["no program", annotate(bpf, ""), `config.json#/annotations/${bpf}: expected a BPF program in base64`],
	[
		"no whole instruction",
		annotate(bpf, Buffer.alloc(12).toString("base64")),
		`config.json#/annotations/${bpf}: expected 1 to 4096 BPF instructions of 8 bytes; found 12 bytes`,
	],
	[
		"more instructions than the kernel takes",
		annotate(bpf, Buffer.alloc(8 * 4097).toString("base64")),
		`config.json#/annotations/${bpf}: expected 1 to 4096 BPF instructions of 8 bytes; found 32776 bytes`,
	],
	[
		"a relative file",
		annotate("run.oci.hooks.stderr", "hooks.log"),
		'config.json#/annotations/run.oci.hooks.stderr: expected an absolute path; found "hooks.log"',
	],
];

for (const [title, table] of Object.entries({ good: GOOD, bad: BAD })) {
	t.test(title, async (t) => {
		for (const [name, bend, ...expected] of table) t.same(said(bentText(bend)), expected, name);
	});
}
