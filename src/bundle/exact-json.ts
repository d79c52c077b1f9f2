/**
 * JSON, read exactly: integers above 2^53 become bigints, duplicate names are reported, and every value's position is
 * kept. Ten times slower than JSON.parse, so it reads only what JSON.parse cannot vouch for (see json.ts).
 */

import { pointerToken } from "./diagnostic.js";

export type Json = null | boolean | number | bigint | string | Json[] | { [name: string]: Json };

export interface JsonFault {
	message: string;
	/** JSON pointer of the value, or of the innermost one that was open when the text went wrong. */
	pointer: string;
	offset: number;
}

export interface ExactJson {
	/** Undefined when the text is malformed; then `faults` has exactly one entry. */
	value?: Json;
	faults: JsonFault[];
	/** Offset of each value in the text, by JSON pointer. */
	offsets: Map<string, number>;
}

/** No OCI document is deeper than 10; the bound keeps a hostile one from exhausting the stack. */
const DEEPEST = 200;

const SPACE = /[ \t\n\r]*/y;
// biome-ignore lint/suspicious/noControlCharactersInRegex: RFC 8259 forbids them inside strings
const PLAIN = /[^"\\\u0000-\u001f]*/y;
const NUMBER = /-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?/y;
const escapes = (): Record<string, string> => ({
	'"': '"',
	"\\": "\\",
	"/": "/",
	b: "\b",
	f: "\f",
	n: "\n",
	r: "\r",
	t: "\t",
});
const words = (): [string, Json][] => [
	["true", true],
	["false", false],
	["null", null],
];

class Malformed {
	constructor(
		readonly message: string,
		readonly offset: number,
	) {}
}

class Reader {
	readonly faults: JsonFault[] = [];
	readonly offsets = new Map<string, number>();
	private offset = 0;
	/** Innermost value that is being read. */
	private pointer = "";

	constructor(private readonly text: string) {}

	read(): ExactJson {
		try {
			const value = this.value("", 0);
			this.skipSpace();
			if (this.offset < this.text.length) throw this.unexpected("the end of the text");
			return { value, faults: this.faults, offsets: this.offsets };
		} catch (fault) {
			if (!(fault instanceof Malformed)) throw fault;
			const { message, offset } = fault;
			return { faults: [{ message, offset, pointer: this.pointer }], offsets: this.offsets };
		}
	}

	private match(pattern: RegExp): string {
		pattern.lastIndex = this.offset;
		const found = pattern.exec(this.text)?.[0] ?? "";
		this.offset += found.length;
		return found;
	}

	private skipSpace(): void {
		this.match(SPACE);
	}

	private unexpected(wanted: string): Malformed {
		const next = this.text[this.offset];
		return new Malformed(
			`expected ${wanted}; found ${next === undefined ? "the end of the text" : JSON.stringify(next)}`,
			this.offset,
		);
	}

	private take(character: string): boolean {
		this.skipSpace();
		if (this.text[this.offset] !== character) return false;
		this.offset++;
		return true;
	}

	private value(pointer: string, depth: number): Json {
		this.skipSpace();
		this.pointer = pointer;
		this.offsets.set(pointer, this.offset);
		if (depth > DEEPEST) throw new Malformed(`nested deeper than ${DEEPEST} levels`, this.offset);
		const first = this.text[this.offset];
		if (first === "{") return this.object(pointer, depth);
		if (first === "[") return this.array(pointer, depth);
		if (first === '"') return this.string(pointer);
		for (const [word, value] of words()) {
			if (!this.text.startsWith(word, this.offset)) continue;
			this.offset += word.length;
			return value;
		}
		return this.number();
	}

	private object(pointer: string, depth: number): Json {
		const result: { [name: string]: Json } = {};
		this.offset++;
		if (this.take("}")) return result;
		do {
			this.skipSpace();
			const offset = this.offset;
			if (this.text[offset] !== '"') throw this.unexpected("a property name in double quotes");
			const name = this.string(pointer);
			const at = `${pointer}/${pointerToken(name)}`;
			if (Object.hasOwn(result, name))
				this.faults.push({ message: `duplicate name ${JSON.stringify(name)}`, pointer: at, offset });
			if (!this.take(":")) throw this.unexpected('":" after the property name');
			const value = this.value(at, depth + 1);
			this.pointer = pointer;
			// An assignment to __proto__ would change the prototype instead.
			Object.defineProperty(result, name, { value, enumerable: true, configurable: true, writable: true });
		} while (this.take(","));
		if (!this.take("}")) throw this.unexpected('"," or "}"');
		return result;
	}

	private array(pointer: string, depth: number): Json {
		const result: Json[] = [];
		this.offset++;
		if (this.take("]")) return result;
		do {
			result.push(this.value(`${pointer}/${result.length}`, depth + 1));
			this.pointer = pointer;
		} while (this.take(","));
		if (!this.take("]")) throw this.unexpected('"," or "]"');
		return result;
	}

	private string(pointer: string): string {
		const start = this.offset++;
		let result = this.match(PLAIN);
		while (this.text[this.offset] !== '"') {
			const character = this.text[this.offset];
			if (character === undefined) throw new Malformed("a string that starts here has no end", start);
			if (character !== "\\")
				throw new Malformed(`control character ${JSON.stringify(character)} inside a string`, this.offset);
			result += this.escape() + this.match(PLAIN);
		}
		this.offset++;
		this.checkString(result, pointer, start);
		return result;
	}

	private escape(): string {
		const kind = this.text[this.offset + 1] ?? "";
		const simple = escapes()[kind];
		if (simple !== undefined) {
			this.offset += 2;
			return simple;
		}
		const digits = this.text.slice(this.offset + 2, this.offset + 6);
		if (kind !== "u" || !/^[0-9a-fA-F]{4}$/.test(digits))
			throw new Malformed("malformed escape in a string", this.offset);
		this.offset += 6;
		return String.fromCharCode(Number.parseInt(digits, 16));
	}

	/** Valid JSON, but no string that can reach the kernel or be written as UTF-8. */
	private checkString(text: string, pointer: string, offset: number): void {
		if (text.includes("\0"))
			this.faults.push({ message: "a string must not contain the character U+0000", pointer, offset });
		if (/\p{Surrogate}/u.test(text))
			this.faults.push({ message: "a string must not contain half of a surrogate pair", pointer, offset });
	}

	private number(): number | bigint {
		const digits = this.match(NUMBER);
		if (digits === "") throw this.unexpected("a value");
		const value = Number(digits);
		return Number.isSafeInteger(value) || !/^-?\d+$/.test(digits) ? value : BigInt(digits);
	}
}

export function readExactly(text: string): ExactJson {
	return new Reader(text).read();
}

/** Line and column of an offset, both counted from 1. */
export function positionOf(text: string, offset: number): { line: number; column: number } {
	const before = text.slice(0, offset);
	const lineStart = before.lastIndexOf("\n") + 1;
	return { line: before.split("\n").length, column: offset - lineStart + 1 };
}
