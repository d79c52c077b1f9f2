/** Filters as bytes: checked by running them, in TypeScript, on the kernel's struct seccomp_data. */
import { readFileSync } from "node:fs";
import t from "tap";
import { failureOf, native } from "./addon.js";

const ALLOW = 0x7fff0000;
const errno = (number: number) => 0x00050000 | number;
const EPERM = errno(1);
const ENOSYS = errno(38);
const KILL_THREAD = 0;
const X86_64 = 0xc000003e;
const I386 = 0x40000003;
const AARCH64 = 0xc00000b7;
const S390X = 0x80000016;

interface Call {
	nr: number;
	arch?: number;
	args?: bigint[];
}

/** The classic BPF machine, as far as libseccomp uses it. */
function evaluate(program: Uint8Array, { nr, arch = X86_64, args = [] }: Call): number {
	const data = new DataView(new ArrayBuffer(64));
	data.setUint32(0, nr, true);
	data.setUint32(4, arch, true);
	args.forEach((value, index) => {
		data.setBigUint64(16 + 8 * index, value, true);
	});
	const code = new DataView(program.buffer, program.byteOffset, program.byteLength);
	let accumulator = 0;
	for (let pc = 0; pc < program.byteLength / 8; pc++) {
		const opcode = code.getUint16(8 * pc, true);
		const k = code.getUint32(8 * pc + 4, true);
		const jump = (condition: boolean) => {
			pc += code.getUint8(8 * pc + (condition ? 2 : 3));
		};
		if (opcode === 0x20) accumulator = data.getUint32(k, true);
		else if (opcode === 0x06) return k;
		else if (opcode === 0x05) pc += k;
		else if (opcode === 0x15) jump(accumulator === k);
		else if (opcode === 0x25) jump(accumulator > k);
		else if (opcode === 0x35) jump(accumulator >= k);
		else if (opcode === 0x45) jump((accumulator & k) !== 0);
		else if (opcode === 0x54) accumulator = (accumulator & k) >>> 0;
		else throw new Error(`opcode ${opcode.toString(16)} at ${pc}`);
	}
	throw new Error("fell off the end");
}

const compile = (profile: object) => native.compileSeccomp({ profile: JSON.stringify(profile) });
const skip = process.arch === "x64" ? false : "the numbers in here are x86-64's";

t.test("names, actions, unknown names", { skip }, async (t) => {
	const program = compile({
		defaultAction: "SCMP_ACT_ERRNO",
		defaultErrno: 1,
		architectures: ["SCMP_ARCH_X86_64"],
		rules: [
			{ names: ["read", "write", "openat2", "no_such_call"], action: "SCMP_ACT_ALLOW", args: [] },
			{ names: ["mkdir"], action: "SCMP_ACT_ERRNO", errno: 13, args: [] },
			{ names: ["reboot"], action: "SCMP_ACT_KILL", args: [] },
		],
	});
	t.equal(evaluate(program, { nr: 0 }), ALLOW);
	t.equal(evaluate(program, { nr: 1 }), ALLOW);
	t.equal(evaluate(program, { nr: 2 }), EPERM);
	t.equal(evaluate(program, { nr: 83 }), errno(13));
	t.equal(evaluate(program, { nr: 169 }), KILL_THREAD);
	t.equal(evaluate(program, { nr: 0, arch: I386 }), KILL_THREAD, "another architecture is not allowed at all");
	t.equal(evaluate(program, { nr: 0x40000000 }), KILL_THREAD, "nor is x32");
	t.equal(program.byteLength % 8, 0);
});

t.test("calls newer than the profile are unknown, not forbidden", { skip }, async (t) => {
	const rules = [{ names: ["read", "openat2"], action: "SCMP_ACT_ALLOW", args: [] }];
	const architectures = ["SCMP_ARCH_X86_64", "SCMP_ARCH_X86", "SCMP_ARCH_X32"];
	const program = compile({ defaultAction: "SCMP_ACT_ERRNO", defaultErrno: 1, architectures, rules });
	for (const arch of [X86_64, I386]) {
		t.equal(evaluate(program, { nr: 437, arch }), ALLOW, "openat2");
		t.equal(evaluate(program, { nr: 436, arch }), EPERM, "close_range, unnamed");
		t.equal(evaluate(program, { nr: 438, arch }), ENOSYS, "pidfd_getfd, newer than the newest that is named");
		t.equal(evaluate(program, { nr: 100_000, arch }), ENOSYS);
	}
	t.equal(evaluate(program, { nr: 0x40000000 | 437 }), ALLOW, "x32 by its bit");
	t.equal(evaluate(program, { nr: 0x40000000 | 436 }), EPERM);
	t.equal(evaluate(program, { nr: 0x40000000 | 1000 }), ENOSYS);
	const open = compile({
		defaultAction: "SCMP_ACT_ALLOW",
		architectures,
		rules: [{ names: ["read"], action: "SCMP_ACT_ERRNO", args: [] }],
	});
	t.equal(evaluate(open, { nr: 100_000 }), ALLOW, "a filter that lets the unnamed through keeps doing so");
	t.equal(evaluate(open, { nr: 0 }), EPERM, "EPERM where no errno is given");
});

t.test("every architecture of the specification", { skip }, async (t) => {
	const rules = [{ names: ["mkdir"], action: "SCMP_ACT_ERRNO", errno: 13, args: [] }];
	const words = JSON.parse(readFileSync(`${import.meta.dirname}/../../spec-schemas/seccomp.json`, "utf8"));
	const architectures: string[] = words.$defs.Seccomp.properties.architectures.items.enum;
	t.equal(architectures.length, 23);
	for (const architecture of architectures) {
		const program = compile({ defaultAction: "SCMP_ACT_ALLOW", architectures: [architecture], rules });
		t.equal(evaluate(program, { nr: 83 }), errno(13), `${architecture}, beside the native one`);
		const isX86 = architecture === "SCMP_ARCH_X86";
		t.equal(
			evaluate(program, { nr: 39, arch: I386 }),
			isX86 ? errno(13) : KILL_THREAD,
			`${architecture}: mkdir of i386`,
		);
	}
	const all = compile({ defaultAction: "SCMP_ACT_ALLOW", architectures, rules });
	t.equal(evaluate(all, { nr: 83 }), errno(13));
	t.equal(evaluate(all, { nr: 39, arch: I386 }), errno(13));
	t.equal(evaluate(all, { nr: 1030, arch: AARCH64 }), ALLOW);
	t.equal(
		evaluate(all, { nr: 39, arch: S390X }),
		KILL_THREAD,
		"of the other byte order: it has no part, and ends the caller",
	);
});

t.test("unknown names", { skip }, async (t) => {
	const profile = {
		defaultAction: "SCMP_ACT_ALLOW",
		rules: [{ names: ["no_such_call", "mkdir"], action: "SCMP_ACT_ERRNO", errno: 13, args: [] }],
	};
	t.equal(evaluate(compile(profile), { nr: 83 }), errno(13), "are skipped");
	const strict = failureOf(() => compile({ ...profile, failUnknown: true }));
	t.match(strict, { syscall: "seccomp_syscall_resolve_name", code: "EINVAL", detail: "no_such_call" });
});

t.test("argument comparisons use all 64 bits", { skip }, async (t) => {
	const rule = (op: string, value: bigint, valueTwo = 0n) => {
		const args = [{ index: 1, value: String(value), valueTwo: String(valueTwo), op }];
		return compile({
			defaultAction: "SCMP_ACT_ERRNO",
			defaultErrno: 1,
			rules: [{ names: ["lseek"], action: "SCMP_ACT_ALLOW", args }],
		});
	};
	const big = 0x8000000000000001n;
	const allows = (program: Uint8Array, value: bigint) => evaluate(program, { nr: 8, args: [0n, value] }) === ALLOW;
	for (const [op, yes, no] of [
		["SCMP_CMP_EQ", big, 1n],
		["SCMP_CMP_NE", 1n, big],
		["SCMP_CMP_LT", big - 1n, big],
		["SCMP_CMP_LE", big, big + 1n],
		["SCMP_CMP_GE", big, big - 1n],
		["SCMP_CMP_GT", big + 1n, big],
	] as const) {
		t.ok(allows(rule(op, big), yes), `${op} holds`);
		t.notOk(allows(rule(op, big), no), `${op} does not hold`);
	}
	const masked = rule("SCMP_CMP_MASKED_EQ", 0xff00000000000000n, 0x0100000000000000n);
	t.ok(allows(masked, 0x01ffffffffffffffn));
	t.notOk(allows(masked, 0x02ffffffffffffffn));
});

t.test("rules of one call are alternatives; the conditions of one rule all hold", { skip }, async (t) => {
	const arg = (index: number, value: number) => ({ index, value: String(value), valueTwo: "0", op: "SCMP_CMP_EQ" });
	const program = compile({
		defaultAction: "SCMP_ACT_ERRNO",
		defaultErrno: 1,
		rules: [
			{ names: ["socket"], action: "SCMP_ACT_ALLOW", args: [arg(0, 1), arg(1, 2)] },
			{ names: ["socket"], action: "SCMP_ACT_ALLOW", args: [arg(0, 9)] },
		],
	});
	const socket = (...args: bigint[]) => evaluate(program, { nr: 41, args });
	t.equal(socket(1n, 2n), ALLOW);
	t.equal(socket(1n, 3n), EPERM);
	t.equal(socket(9n, 3n), ALLOW);
});

t.test("what can't be compiled says what it was", async (t) => {
	t.match(
		failureOf(() => compile({ defaultAction: "SCMP_ACT_DANCE", rules: [] })),
		{ code: "EINVAL", detail: "SCMP_ACT_DANCE" },
	);
	t.match(
		failureOf(() => compile({ defaultAction: "SCMP_ACT_ALLOW", architectures: ["SCMP_ARCH_PDP11"], rules: [] })),
		{
			syscall: "seccomp_arch_add",
			detail: "SCMP_ARCH_PDP11",
		},
	);
	t.equal(failureOf(() => native.compileSeccomp({ profile: "{" })).code, "EINVAL");
	const args = [{ index: 6, value: "0", valueTwo: "0", op: "SCMP_CMP_EQ" }];
	t.equal(
		failureOf(() =>
			compile({ defaultAction: "SCMP_ACT_ALLOW", rules: [{ names: ["read"], action: "SCMP_ACT_ERRNO", args }] }),
		).code,
		"EINVAL",
	);
});
