/**
 * GVariant text, the notation of `busctl` and `gdbus` for typed values, in which org.systemd.property.* annotations are
 * written: `true`, `42`, `uint64 5`, `'text'`, `['a', 'b']`, `@as []`, `(1, 'x')`, `{'k': <5>}`.
 * https://docs.gtk.org/glib/gvariant-text-format.html; without what D-Bus has no type for (maybe types, handles).
 */

import type { BusValue, BusVariant } from "./unit-property.js";

/** Says what is wrong with the text, and where. */
export class GVariantError extends Error {}

type Node =
	| { kind: "word"; text: string }
	| { kind: "number"; text: string }
	| { kind: "text"; text: string }
	| { kind: "bytes"; text: string }
	| { kind: "array"; items: Node[] }
	| { kind: "tuple"; items: Node[] }
	| { kind: "dictionary"; items: [Node, Node][] }
	| { kind: "variant"; item: Node }
	| { kind: "typed"; signature: string; item: Node };

const keywords = (): Record<string, string> => ({
	boolean: "b",
	byte: "y",
	int16: "n",
	uint16: "q",
	int32: "i",
	uint32: "u",
	int64: "x",
	uint64: "t",
	double: "d",
	string: "s",
	objectpath: "o",
	signature: "g",
});

const ranges = (): Record<string, [least: bigint, most: bigint]> => ({
	y: [0n, 255n],
	n: [-(1n << 15n), (1n << 15n) - 1n],
	q: [0n, (1n << 16n) - 1n],
	i: [-(1n << 31n), (1n << 31n) - 1n],
	u: [0n, (1n << 32n) - 1n],
	x: [-(1n << 63n), (1n << 63n) - 1n],
	t: [0n, (1n << 64n) - 1n],
});

/** Throws a {@link GVariantError}. */
export function parseGVariant(source: string): BusVariant {
	const reader = new Reader(source);
	const node = reader.value();
	reader.end();
	const signature = signatureOf(node);
	return { signature, value: busValue(node, signature) };
}

class Reader {
	#index = 0;
	readonly #source: string;

	constructor(source: string) {
		this.#source = source;
	}

	value(): Node {
		this.#skip();
		const next = this.#source[this.#index] ?? "";
		if (next === "'" || next === '"') return { kind: "text", text: this.#quoted() };
		if (next === "b" && /^b['"]/.test(this.#rest())) {
			this.#index++;
			return { kind: "bytes", text: this.#quoted() };
		}
		if (next === "[") return { kind: "array", items: this.#list("[", "]") };
		if (next === "(") return { kind: "tuple", items: this.#list("(", ")") };
		if (next === "{") return this.#dictionary();
		if (next === "<") {
			this.#take("<");
			const item = this.value();
			this.#take(">");
			return { kind: "variant", item };
		}
		if (next === "@") {
			this.#index++;
			const signature = this.#match(/^[a-z(){}]+/, "a type");
			if (completeType(signature, 0) !== signature.length) throw this.#error(`"${signature}" is no type of D-Bus`);
			return { kind: "typed", signature, item: this.value() };
		}
		if (/^[-+.0-9]/.test(next)) return { kind: "number", text: this.#match(/^[-+.0-9A-Za-z]+/, "a number") };
		const word = this.#match(/^[a-z][a-z0-9]*/, "a value");
		const signature = keywords()[word];
		if (signature !== undefined) return { kind: "typed", signature, item: this.value() };
		if (word === "inf" || word === "nan") return { kind: "number", text: word };
		if (word === "true" || word === "false") return { kind: "word", text: word };
		throw this.#error(`unknown word "${word}" (a text needs quotes)`);
	}

	end(): void {
		this.#skip();
		if (this.#index < this.#source.length) throw this.#error("nothing expected after the value");
	}

	#list(open: string, close: string): Node[] {
		const items: Node[] = [];
		this.#take(open);
		while (!this.#taken(close)) {
			if (items.length > 0) this.#take(",");
			// (1,) is a tuple of one.
			if (items.length > 0 && this.#taken(close)) break;
			items.push(this.value());
		}
		return items;
	}

	#dictionary(): Node {
		const items: [Node, Node][] = [];
		this.#take("{");
		while (!this.#taken("}")) {
			if (items.length > 0) this.#take(",");
			const key = this.value();
			this.#take(":");
			items.push([key, this.value()]);
		}
		return { kind: "dictionary", items };
	}

	#quoted(): string {
		const quote = this.#source[this.#index++];
		let text = "";
		for (;;) {
			const next = this.#source[this.#index++];
			if (next === undefined) throw this.#error("the text has no end");
			if (next === quote) return text;
			text += next === "\\" ? this.#escape() : next;
		}
	}

	#escape(): string {
		const letter = this.#source[this.#index++] ?? "";
		if (letter === "u" || letter === "U") {
			const digits = this.#source.slice(this.#index, this.#index + (letter === "u" ? 4 : 8));
			const code = /^[0-9a-fA-F]+$/.test(digits) ? Number.parseInt(digits, 16) : Number.NaN;
			if (digits.length !== (letter === "u" ? 4 : 8) || !(code > 0 && code <= 0x10ffff))
				throw this.#error("a character's number is \\u with 4 or \\U with 8 hexadecimal digits");
			this.#index += digits.length;
			return String.fromCodePoint(code);
		}
		const controls: Record<string, string> = {
			a: "\x07",
			b: "\b",
			f: "\f",
			n: "\n",
			r: "\r",
			t: "\t",
			v: "\v",
			"\n": "",
		};
		return controls[letter] ?? letter;
	}

	#skip(): void {
		while (/\s/.test(this.#source[this.#index] ?? "")) this.#index++;
	}

	#taken(character: string): boolean {
		this.#skip();
		if (this.#source[this.#index] !== character) return false;
		this.#index++;
		return true;
	}

	#take(character: string): void {
		if (!this.#taken(character)) throw this.#error(`expected "${character}"`);
	}

	#match(pattern: RegExp, what: string): string {
		const found = pattern.exec(this.#rest())?.[0];
		if (found === undefined) throw this.#error(`expected ${what}`);
		this.#index += found.length;
		return found;
	}

	#rest(): string {
		return this.#source.slice(this.#index);
	}

	#error(message: string): GVariantError {
		return new GVariantError(`${message} at character ${this.#index + 1}`);
	}
}

/** Index behind the complete type that begins at `start` of a signature; -1 when there is none that D-Bus has. */
function completeType(signature: string, start: number): number {
	const letter = signature[start];
	if (letter === undefined) return -1;
	if ("bynqiuxtdsogv".includes(letter)) return start + 1;
	if (letter === "a") {
		if (signature[start + 1] !== "{") return completeType(signature, start + 1);
		// Keys are basic types.
		if (!"bynqiuxtdsog".includes(signature[start + 2] ?? "-")) return -1;
		const end = completeType(signature, start + 3);
		return end > 0 && signature[end] === "}" ? end + 1 : -1;
	}
	if (letter !== "(") return -1;
	let index = start + 1;
	while (index > 0 && index < signature.length && signature[index] !== ")") index = completeType(signature, index);
	return index > start + 1 && signature[index] === ")" ? index + 1 : -1;
}

/** The complete types in the brackets of a structure or a dictionary entry. */
function membersOf(signature: string): string[] {
	const members: string[] = [];
	for (let index = 0; index < signature.length; ) {
		const end = completeType(signature, index);
		members.push(signature.slice(index, end));
		index = end;
	}
	return members;
}

function signatureOf(node: Node): string {
	switch (node.kind) {
		case "word":
			return "b";
		case "number":
			return isDouble(node.text) ? "d" : "i";
		case "text":
			return "s";
		case "bytes":
			return "ay";
		case "typed":
			return node.signature;
		case "variant":
			return "v";
		case "array":
			return `a${common(node.items)}`;
		case "tuple":
			if (node.items.length === 0) throw new GVariantError("D-Bus has no empty structures");
			return `(${node.items.map(signatureOf).join("")})`;
		case "dictionary": {
			const key = common(node.items.map(([item]) => item));
			if (key.length !== 1 || key === "v") throw new GVariantError("the key of a dictionary has to be a plain value");
			return `a{${key}${common(node.items.map(([, item]) => item))}}`;
		}
	}
}

/** The one type of all items: that of those which say it, where the others can have it. */
function common(items: Node[]): string {
	if (items.length === 0) throw new GVariantError("what is empty has to say its type: @as []");
	const typed = items.find(({ kind }) => kind === "typed");
	if (typed !== undefined) return signatureOf(typed);
	const signatures = [...new Set(items.map(signatureOf))];
	if (signatures.every((signature) => signature === "i" || signature === "d"))
		return signatures.includes("d") ? "d" : "i";
	if (signatures.length > 1) throw new GVariantError(`the items have different types: ${signatures.join(", ")}`);
	return signatures[0] ?? "";
}

function isDouble(text: string): boolean {
	return !/^[-+]?0x/i.test(text) && /[.einf]/i.test(text);
}

function busValue(node: Node, signature: string): BusValue {
	const wrong = () => new GVariantError(`${describe(node)} is no value of type "${signature}"`);
	if (node.kind === "typed") {
		if (node.signature !== signature) throw wrong();
		return busValue(node.item, signature);
	}
	if (signature === "v") {
		if (node.kind !== "variant") throw wrong();
		const inner = signatureOf(node.item);
		return { signature: inner, value: busValue(node.item, inner) };
	}
	switch (node.kind) {
		case "word":
			if (signature === "b") return node.text;
			break;
		case "number":
			return numberOf(node.text, signature) ?? fail(wrong());
		case "text":
			if (signature === "s" || signature === "g") return node.text;
			if (signature === "o" && /^\/$|^(\/[A-Za-z0-9_]+)+$/.test(node.text)) return node.text;
			break;
		case "bytes":
			// With the byte that ends it, as everybody who reads such a value expects.
			if (signature === "ay") return [...new TextEncoder().encode(`${node.text}\0`)].map(String);
			break;
		case "array":
			if (signature.startsWith("a") && signature[1] !== "{")
				return node.items.map((item) => busValue(item, signature.slice(1)));
			// An empty dictionary may be written as an empty array.
			if (signature.startsWith("a{") && node.items.length === 0) return [];
			break;
		case "tuple": {
			const members = signature.startsWith("(") ? membersOf(signature.slice(1, -1)) : [];
			if (members.length === node.items.length)
				return node.items.map((item, index) => busValue(item, members[index] as string));
			break;
		}
		case "dictionary": {
			if (!signature.startsWith("a{")) break;
			const [key = "", value = ""] = membersOf(signature.slice(2, -1));
			return node.items.map(([name, item]) => [busValue(name, key), busValue(item, value)]);
		}
		case "variant":
			break;
	}
	throw wrong();
}

function fail(error: GVariantError): never {
	throw error;
}

/** As decimal text; undefined when it is no number, or not one of this type. */
function numberOf(text: string, signature: string): string | undefined {
	if (signature === "d") {
		const named = /^([-+]?)(inf|nan)(inity)?$/i.exec(text);
		if (named) return `${named[1] === "-" ? "-" : ""}${named[2]?.toLowerCase()}`;
		return /^[-+]?(\d+\.?\d*|\.\d+)(e[-+]?\d+)?$/i.test(text) ? String(Number(text)) : undefined;
	}
	const range = ranges()[signature];
	const match = /^([-+]?)(0x[0-9a-f]+|0[0-7]*|[1-9]\d*)$/i.exec(text);
	if (range === undefined || match === null) return undefined;
	const [, sign = "", digits = ""] = match;
	// A leading zero is octal, as in C.
	const magnitude = BigInt(/^0[0-7]/.test(digits) ? `0o${digits.slice(1)}` : digits);
	const value = sign === "-" ? -magnitude : magnitude;
	return value >= range[0] && value <= range[1] ? String(value) : undefined;
}

function describe(node: Node): string {
	switch (node.kind) {
		case "word":
		case "number":
			return node.text;
		case "text":
			return JSON.stringify(node.text);
		case "bytes":
			return "a byte string";
		case "typed":
			return `a value of type "${node.signature}"`;
		case "array":
			return "a list";
		default:
			return `a ${node.kind}`;
	}
}
