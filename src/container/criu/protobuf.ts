/**
 * Protocol buffers' wire format, as far as criu's RPC needs it: varints, texts and messages in messages. Field numbers
 * come from criu's rpc.proto (rpc.ts has them).
 */

/** What a field holds: a number or boolean (varint), a text, or a message. */
export type Value = number | boolean | string | Writer;

const varint = 0;
const fixed64 = 1;
const delimited = 2;
const fixed32 = 5;

export class Writer {
	readonly bytes: number[] = [];

	/** Appends a field; one that is undefined is left out, as an optional field is. */
	add(field: number, value: Value | undefined): this {
		if (value === undefined) return this;
		if (typeof value === "number" || typeof value === "boolean") {
			this.#varint((field << 3) | varint);
			this.#varint(Number(value));
			return this;
		}
		const bytes = typeof value === "string" ? new TextEncoder().encode(value) : value.bytes;
		this.#varint((field << 3) | delimited);
		this.#varint(bytes.length);
		for (const byte of bytes) this.bytes.push(byte);
		return this;
	}

	finish(): Uint8Array {
		return Uint8Array.from(this.bytes);
	}

	#varint(value: number): void {
		let rest = value;
		while (rest > 127) {
			this.bytes.push((rest % 128) + 128);
			rest = Math.floor(rest / 128);
		}
		this.bytes.push(rest);
	}
}

/** The fields of a message; of one that comes twice the last. */
export class Reader {
	readonly #numbers = new Map<number, number>();
	readonly #parts = new Map<number, Uint8Array>();

	/** Throws RangeError for bytes that are no message. */
	constructor(bytes: Uint8Array) {
		let index = 0;
		const read = (): number => {
			let value = 0;
			for (let factor = 1; ; factor *= 128) {
				const byte = bytes[index++];
				if (byte === undefined) throw new RangeError("a message that is cut short");
				value += (byte & 127) * factor;
				if (byte < 128) return value;
			}
		};
		while (index < bytes.length) {
			const key = read();
			const field = Math.floor(key / 8);
			const kind = key % 8;
			if (kind === varint) this.#numbers.set(field, read());
			else {
				const length = kind === delimited ? read() : kind === fixed64 ? 8 : kind === fixed32 ? 4 : Number.NaN;
				if (!(index + length <= bytes.length)) throw new RangeError("a field that is no field");
				this.#parts.set(field, bytes.subarray(index, index + length));
				index += length;
			}
		}
	}

	number(field: number): number | undefined {
		return this.#numbers.get(field);
	}

	text(field: number): string | undefined {
		const bytes = this.#parts.get(field);
		return bytes && new TextDecoder().decode(bytes);
	}

	message(field: number): Reader | undefined {
		const bytes = this.#parts.get(field);
		return bytes && new Reader(bytes);
	}
}
