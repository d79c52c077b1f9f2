/**
 * The v2 device controller is a BPF program of type CGROUP_DEVICE that answers 1 (allow) or 0 for each access. Made
 * here by hand: a handful of instructions a rule is not worth an assembler.
 *
 * The last rule that speaks about a kind of access decides about it, so the program asks the rules from the last to
 * the first. r3 holds the kinds of access that no rule has allowed yet; the first denial among them ends it.
 */
import { type DeviceRule, isTotal } from "./device-rules.js";

// linux/bpf_common.h, linux/bpf.h
const LDX_MEM_W = 0x61;
const ALU32_AND_K = 0x54;
const ALU32_RSH_K = 0x74;
const MOV32_X = 0xbc;
const MOV32_K = 0xb4;
const JNE32_K = 0x56;
const JSET_K = 0x45;
const JA = 0x05;
const EXIT = 0x95;

/** struct bpf_cgroup_dev_ctx: access_type (access in the high half, type in the low half), major, minor. */
const contextOffset = { accessType: 0, major: 4, minor: 8 };
const typeCode = { b: 1, c: 2 };
const accessBit: Record<string, number> = { m: 1, r: 2, w: 4 };

const register = { result: 0, context: 1, type: 2, access: 3, major: 4, minor: 5 } as const;

interface Instruction {
	code: number;
	destination?: number;
	source?: number;
	offset?: number;
	immediate?: number;
}

export function compileDeviceProgram(rules: readonly DeviceRule[]): Uint8Array {
	const program: Instruction[] = [
		{ code: LDX_MEM_W, destination: register.type, source: register.context, offset: contextOffset.accessType },
		{ code: MOV32_X, destination: register.access, source: register.type },
		{ code: ALU32_AND_K, destination: register.type, immediate: 0xffff },
		{ code: ALU32_RSH_K, destination: register.access, immediate: 16 },
		{ code: LDX_MEM_W, destination: register.major, source: register.context, offset: contextOffset.major },
		{ code: LDX_MEM_W, destination: register.minor, source: register.context, offset: contextOffset.minor },
	];
	let decided = false;
	for (const rule of rules.toReversed()) {
		program.push(...compileRule(rule));
		// The verifier of older kernels refuses what can't be reached.
		decided = isTotal(rule);
		if (decided) break;
	}
	if (!decided) program.push(...answer(0));
	return encode(program);
}

function answer(value: 0 | 1): Instruction[] {
	return [{ code: MOV32_K, destination: register.result, immediate: value }, { code: EXIT }];
}

/** Falls through to the next rule when this one does not settle it. */
function compileRule(rule: DeviceRule): Instruction[] {
	if (isTotal(rule)) return answer(rule.allow ? 1 : 0);
	const conditions: [number, number | undefined][] = [
		[register.type, rule.type === "a" ? undefined : typeCode[rule.type]],
		[register.major, rule.major],
		[register.minor, rule.minor],
	];
	const tests = conditions.filter((test): test is [number, number] => test[1] !== undefined);
	const mask = [...rule.access].reduce((bits, letter) => bits | (accessBit[letter] ?? 0), 0);
	const body: Instruction[] = rule.allow
		? [
				// What is left to allow; nothing left: yes.
				{ code: ALU32_AND_K, destination: register.access, immediate: 7 & ~mask },
				{ code: JNE32_K, destination: register.access, immediate: 0, offset: 2 },
				...answer(1),
			]
		: [
				{ code: JSET_K, destination: register.access, immediate: mask, offset: 1 },
				{ code: JA, offset: 2 },
				...answer(0),
			];
	const end = tests.length + body.length;
	const guards = tests.map(
		([from, value], index): Instruction => ({
			code: JNE32_K,
			destination: from,
			immediate: value,
			offset: end - index - 1,
		}),
	);
	return [...guards, ...body];
}

/** struct bpf_insn; both architectures that we build for are little-endian. */
function encode(program: readonly Instruction[]): Uint8Array {
	const bytes = new Uint8Array(program.length * 8);
	const view = new DataView(bytes.buffer);
	for (const [index, { code, destination = 0, source = 0, offset = 0, immediate = 0 }] of program.entries()) {
		view.setUint8(index * 8, code);
		view.setUint8(index * 8 + 1, destination | (source << 4));
		view.setInt16(index * 8 + 2, offset, true);
		view.setInt32(index * 8 + 4, immediate, true);
	}
	return bytes;
}

/** The addon takes a plan as JSON, so the bytes travel as base64. Not Buffer: this module is pure and has no node types. */
export function toBase64(bytes: Uint8Array): string {
	return btoa(String.fromCharCode(...bytes));
}
