/** Just enough of a BPF machine to run a device program: what the kernel would answer. */
export interface Access {
	type: "b" | "c";
	major: number;
	minor: number;
	/** Some of `rwm`. */
	access: string;
}

const accessBit: Record<string, number> = { m: 1, r: 2, w: 4 };

export function run(halves: readonly number[], { type, major, minor, access }: Access): number {
	const bits = [...access].reduce((sum, letter) => sum | (accessBit[letter] ?? 0), 0);
	const context = [(bits << 16) | (type === "b" ? 1 : 2), major, minor];
	const registers = new Array<number>(11).fill(0);
	const program = Uint32Array.from(halves);
	const view = new DataView(program.buffer);
	for (let pc = 0, steps = 0; ; pc++) {
		if (++steps > 10_000 || pc * 8 >= program.byteLength) throw new Error(`ran away at ${pc}`);
		const code = view.getUint8(pc * 8);
		const destination = view.getUint8(pc * 8 + 1) & 15;
		const source = view.getUint8(pc * 8 + 1) >> 4;
		const offset = view.getInt16(pc * 8 + 2, true);
		const immediate = view.getInt32(pc * 8 + 4, true) >>> 0;
		const value = registers[destination] ?? 0;
		switch (code) {
			case 0x61:
				if (source !== 1) throw new Error("a load from what is not the context");
				registers[destination] = (context[offset / 4] ?? Number.NaN) >>> 0;
				break;
			case 0x54:
				registers[destination] = (value & immediate) >>> 0;
				break;
			case 0x74:
				registers[destination] = value >>> immediate;
				break;
			case 0xbc:
				registers[destination] = registers[source] ?? 0;
				break;
			case 0xb4:
				registers[destination] = immediate;
				break;
			case 0x56:
				if (value !== immediate) pc += offset;
				break;
			case 0x45:
				if ((value & immediate) !== 0) pc += offset;
				break;
			case 0x05:
				pc += offset;
				break;
			case 0x95:
				return registers[0] ?? Number.NaN;
			default:
				throw new Error(`unknown instruction ${code.toString(16)} at ${pc}`);
		}
	}
}
