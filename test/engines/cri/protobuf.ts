/** The part of Protocol Buffers that the CRI needs: https://protobuf.dev/programming-guides/encoding */

/** A message's fields by name: number and type; `repeated` is an array, `map` an object of strings. */
export interface Message {
	[field: string]: readonly [number, Type, "repeated"?];
}
type Type = "string" | "int" | "bool" | "bytes" | "map" | Message;
export type Value = { [field: string]: unknown };

const entry: Message = { key: [1, "string"], value: [2, "string"] };

function varint(number: bigint): number[] {
	const bytes: number[] = [];
	// Negative numbers are 64-bit ones in two's complement.
	let rest = BigInt.asUintN(64, number);
	do {
		bytes.push(Number(rest & 0x7fn) | (rest > 0x7fn ? 0x80 : 0));
		rest >>= 7n;
	} while (rest > 0n);
	return bytes;
}

function encodeField(number: number, type: Type, value: unknown): Buffer {
	const tag = (wire: number) => varint(BigInt((number << 3) | wire));
	const delimited = (data: Buffer) => Buffer.concat([Buffer.from([...tag(2), ...varint(BigInt(data.length))]), data]);
	if (type === "int") return Buffer.from([...tag(0), ...varint(BigInt(value as number))]);
	if (type === "bool") return Buffer.from([...tag(0), value ? 1 : 0]);
	if (type === "string") return delimited(Buffer.from(value as string));
	if (type === "bytes") return delimited(value as Buffer);
	if (type === "map") {
		const entries = Object.entries(value as Record<string, string>);
		return Buffer.concat(entries.map(([key, text]) => delimited(encode(entry, { key, value: text }))));
	}
	return delimited(encode(type, value as Value));
}

/** An unknown field is a mistake in the test. */
export function encode(message: Message, value: Value): Buffer {
	const parts: Buffer[] = [];
	for (const [name, content] of Object.entries(value)) {
		const field = message[name];
		if (field === undefined) throw new Error(`the message has no field ${name}`);
		const [number, type, repeated] = field;
		for (const item of repeated ? (content as unknown[]) : [content]) parts.push(encodeField(number, type, item));
	}
	return Buffer.concat(parts);
}

/** Fields that are not sent have the default that the protocol gives them; messages are then undefined. */
export function decode(message: Message, data: Buffer): Value {
	const value: Value = {};
	for (const [name, [, type, repeated]] of Object.entries(message)) {
		if (repeated) value[name] = [];
		else if (typeof type === "string")
			value[name] = { string: "", int: 0, bool: false, bytes: Buffer.alloc(0), map: {} }[type];
	}
	let at = 0;
	const number = (): bigint => {
		let result = 0n;
		for (let shift = 0n; ; shift += 7n) {
			const byte = data[at++];
			if (byte === undefined) throw new Error("the message is cut off");
			result |= BigInt(byte & 0x7f) << shift;
			if (byte < 0x80) return result;
		}
	};
	while (at < data.length) {
		const tag = Number(number());
		const wire = tag & 7;
		let raw: bigint | Buffer;
		if (wire === 0) raw = number();
		else if (wire === 2) {
			const length = Number(number());
			raw = data.subarray(at, at + length);
			at += length;
		} else if (wire === 1 || wire === 5) {
			const length = wire === 1 ? 8 : 4;
			raw = data.subarray(at, at + length);
			at += length;
		} else throw new Error(`wire type ${wire}`);
		const name = Object.keys(message).find((field) => message[field]?.[0] === tag >> 3);
		const field = name === undefined ? undefined : message[name];
		// The test names only what it looks at.
		if (name === undefined || field === undefined) continue;
		const [, type, repeated] = field;
		if (type === "map") {
			const { key, value: text } = decode(entry, raw as Buffer);
			(value[name] as Record<string, unknown>)[key as string] = text;
			continue;
		}
		const item = decodeItem(type, raw);
		if (repeated) (value[name] as unknown[]).push(item);
		else value[name] = item;
	}
	return value;
}

function decodeItem(type: Exclude<Type, "map">, raw: bigint | Buffer): unknown {
	if (type === "int") return Number(BigInt.asIntN(64, raw as bigint));
	if (type === "bool") return raw === 1n;
	if (type === "string") return (raw as Buffer).toString();
	if (type === "bytes") return raw;
	return decode(type, raw as Buffer);
}
