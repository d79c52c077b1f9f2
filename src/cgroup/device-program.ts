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

/** The answer, in r0. */
const refused = 0;
const allowed = 1;

/**
 * The program as pairs of unsigned 32-bit numbers: the halves of each struct bpf_insn, as a little-endian machine has
 * them. Every container on v2 comes through here, cold: hence plain loops, and numbers instead of bytes in base64, whose
 * first btoa() alone takes most of a millisecond.
 */
export function compileDeviceProgram(rules: readonly DeviceRule[]): number[] {
	const program: number[] = [];
	emit(program, LDX_MEM_W, register.type, register.context, contextOffset.accessType, 0);
	emit(program, MOV32_X, register.access, register.type, 0, 0);
	emit(program, ALU32_AND_K, register.type, 0, 0, 0xffff);
	emit(program, ALU32_RSH_K, register.access, 0, 0, 16);
	emit(program, LDX_MEM_W, register.major, register.context, contextOffset.major, 0);
	emit(program, LDX_MEM_W, register.minor, register.context, contextOffset.minor, 0);
	for (let index = rules.length - 1; index >= 0; index--) {
		const rule = rules[index] as DeviceRule;
		if (isTotal(rule)) {
			// The verifier of older kernels refuses what can't be reached: this is the end.
			emitAnswer(program, rule.allow ? allowed : refused);
			return program;
		}
		emitRule(program, rule);
	}
	emitAnswer(program, refused);
	return program;
}

function emit(
	program: number[],
	code: number,
	destination: number,
	source: number,
	offset: number,
	immediate: number,
): void {
	program.push((code | (destination << 8) | (source << 12) | ((offset & 0xffff) << 16)) >>> 0, immediate >>> 0);
}

function emitAnswer(program: number[], value: number): void {
	emit(program, MOV32_K, register.result, 0, 0, value);
	emit(program, EXIT, 0, 0, 0, 0);
}

/** Falls through to the next rule when this one does not settle it. */
function emitRule(program: number[], { allow, type, major, minor, access }: DeviceRule): void {
	// Each test that fails jumps to the end: over the tests after it and the four instructions of the body.
	let left = 4 + (type === "a" ? 0 : 1) + (major === undefined ? 0 : 1) + (minor === undefined ? 0 : 1);
	if (type !== "a") emit(program, JNE32_K, register.type, 0, --left, typeCode[type]);
	if (major !== undefined) emit(program, JNE32_K, register.major, 0, --left, major);
	if (minor !== undefined) emit(program, JNE32_K, register.minor, 0, --left, minor);
	let mask = 0;
	for (let index = 0; index < access.length; index++) mask |= accessBit[access[index] as string] ?? 0;
	if (allow) {
		// What is left to allow; nothing left: yes.
		emit(program, ALU32_AND_K, register.access, 0, 0, 7 & ~mask);
		emit(program, JNE32_K, register.access, 0, 2, 0);
	} else {
		emit(program, JSET_K, register.access, 0, 1, mask);
		emit(program, JA, 0, 0, 2, 0);
	}
	emitAnswer(program, allow ? allowed : refused);
}
