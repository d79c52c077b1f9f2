/**
 * The last step of the build of the standalone binary: detaches bun, which it is made of, from whoever calls it.
 *
 * bun serves developers: BUN_OPTIONS="--preload X" loads code, BUN_BE_BUN=1 turns the binary into bun itself,
 * BUN_INSPECT and NODE_CHANNEL_FD open channels, BUN_JSC_*, JSC_*, WTF_*, MIMALLOC_* and many more change it, make it
 * print, or stop it. In a program that root runs with whatever environment its caller has, each is a hole. bun also
 * raises RLIMIT_NOFILE for itself before the first line of ours runs, and containers would inherit that. It has no
 * switch against either (1.4), and names are too many to strike out one by one, with new ones in every release. So the
 * binary loses its access instead: what it imports from libc is bound to something harmless.
 *
 *   setrlimit                → getrlimit   same arguments; fills bun's struct with what is true, and changes nothing
 *   getenv, secure_getenv    → ether_aton  same shape; NULL for all that is not six hexadecimal numbers with colons
 *   environ (and its aliases) → a vector of its own, in place of libc's, with one entry: BUN_JSC_useJIT=0
 *
 * That entry is the program's only way to set options of JavaScriptCore before it starts. No command runs long enough to
 * profit from compiled code; without it there is no memory that is writable and executable, and the start of a container
 * takes 6 % fewer instructions and 14 % fewer page faults.
 *
 * Names and relocations change, no instruction does. libc keeps the environment, so the loader (LD_*) and libc itself
 * (TZ, LOCPATH) behave as in any program, and the addon, which is linked to libc and not to bun, reads it from there:
 * native.environment(). Where bun's tables don't look as expected, the build fails.
 *
 * Usage: bun detach.ts FILE    changes FILE (ELF, 64 bits, little-endian) in place; give it one that nobody runs.
 */
import { closeSync, fstatSync, openSync, readSync, writeSync } from "node:fs";

/** From elf.h. */
const LOAD = 1;
const DYNAMIC = 2;
const NOTE = 4;
const EXECUTABLE = 2;
const Tag = { strtab: 5, symtab: 6, rela: 7, relaSize: 8, versions: 0x6ffffff0 };
const SYMBOL_SIZE = 24;
const RELA_SIZE = 24;

/** Numbers of the relocation types by e_machine: x86-64 and AArch64. */
const machines: Record<number, { copy: number; globDat: number; relative: number }> = {
	62: { copy: 5, globDat: 6, relative: 8 },
	183: { copy: 1024, globDat: 1025, relative: 1027 },
};

class Elf {
	readonly #fd: number;
	readonly #segments: { offset: number; address: number; size: number }[] = [];
	readonly #tags = new Map<number, number>();
	readonly machine: number;
	/** Its segments are where the file says: addresses need no relocation. */
	readonly fixed: boolean;
	/** Address of the program header of the notes, which nothing reads when the program starts. */
	readonly noteHeader: number | undefined;

	constructor(path: string) {
		this.#fd = openSync(path, "r+");
		const header = this.#read(0, 64);
		if (header.toString("latin1", 0, 6) !== "\x7fELF\x02\x01") throw new Error("not an ELF file of 64 bits");
		this.fixed = header.readUInt16LE(16) === EXECUTABLE;
		this.machine = header.readUInt16LE(18);
		const [table, size, count] = [Number(header.readBigUInt64LE(32)), header.readUInt16LE(54), header.readUInt16LE(56)];
		let dynamic: Buffer | undefined;
		let note: number | undefined;
		for (let index = 0; index < count; index++) {
			const entry = this.#read(table + index * size, size);
			const [offset, address] = [Number(entry.readBigUInt64LE(8)), Number(entry.readBigUInt64LE(16))];
			const inFile = Number(entry.readBigUInt64LE(32));
			if (entry.readUInt32LE(0) === LOAD) this.#segments.push({ offset, address, size: inFile });
			if (entry.readUInt32LE(0) === DYNAMIC) dynamic = this.#read(offset, inFile);
			if (entry.readUInt32LE(0) === NOTE) note = table + index * size;
		}
		this.noteHeader = this.#address(note);
		for (let at = 0; dynamic && at < dynamic.length; at += 16) {
			this.#tags.set(Number(dynamic.readBigUInt64LE(at)), Number(dynamic.readBigUInt64LE(at + 8)));
		}
	}

	tag(tag: number): number {
		const value = this.#tags.get(tag);
		if (value === undefined) throw new Error(`no dynamic tag ${tag}`);
		return value;
	}

	/** `address` as the program sees it. */
	read(address: number, size: number): Buffer {
		return this.#read(this.#offset(address, size), size);
	}

	write(address: number, bytes: Buffer): void {
		const written = writeSync(this.#fd, bytes, 0, bytes.length, this.#offset(address, bytes.length));
		if (written !== bytes.length) throw new Error("short write");
	}

	close(): void {
		closeSync(this.#fd);
	}

	#offset(address: number, size: number): number {
		const segment = this.#segments.find((it) => address >= it.address && address + size <= it.address + it.size);
		if (!segment) throw new Error(`address ${address.toString(16)} is not in the file`);
		return address - segment.address + segment.offset;
	}

	#address(offset = -1): number | undefined {
		const segment = this.#segments.find((it) => offset >= it.offset && offset < it.offset + it.size);
		return segment && offset - segment.offset + segment.address;
	}

	#read(offset: number, size: number): Buffer {
		const bytes = Buffer.alloc(size);
		if (offset + size > fstatSync(this.#fd).size) throw new Error("truncated");
		readSync(this.#fd, bytes, 0, size, offset);
		return bytes;
	}
}

interface DynamicSymbol {
	index: number;
	address: number;
	/** Offset of the name in the string table. */
	name: number;
	/** Where the object is, 0 for what is imported. */
	value: number;
}

/** All dynamic symbols, by name; the table ends where the string or version table begins, whichever is the next. */
function readSymbols(elf: Elf): Map<string, DynamicSymbol> {
	const start = elf.tag(Tag.symtab);
	const end = Math.min(...[elf.tag(Tag.strtab), elf.tag(Tag.versions)].filter((address) => address > start));
	const symbols = new Map<string, DynamicSymbol>();
	const table = elf.read(start, end - start);
	for (let index = 1; (index + 1) * SYMBOL_SIZE <= table.length; index++) {
		const name = table.readUInt32LE(index * SYMBOL_SIZE);
		const bytes = elf.read(elf.tag(Tag.strtab) + name, 256);
		symbols.set(bytes.toString("latin1", 0, bytes.indexOf(0)), {
			index,
			address: start + index * SYMBOL_SIZE,
			name,
			value: Number(table.readBigUInt64LE(index * SYMBOL_SIZE + 8)),
		});
	}
	return symbols;
}

function found(symbols: Map<string, DynamicSymbol>, name: string): DynamicSymbol {
	const symbol = symbols.get(name);
	if (!symbol) throw new Error(`no dynamic symbol ${name}: bun has changed`);
	return symbol;
}

/** Lets the import `symbol` mean the function whose name lies at `name`, in the symbol version of `like`. */
function bind(elf: Elf, symbol: DynamicSymbol, name: number, like: DynamicSymbol): void {
	if (symbol.value !== 0) throw new Error("an import expected: bun has changed");
	const offset = Buffer.alloc(4);
	offset.writeUInt32LE(name);
	elf.write(symbol.address, offset);
	const versions = elf.tag(Tag.versions);
	elf.write(versions + symbol.index * 2, elf.read(versions + like.index * 2, 2));
}

const onlyEntry = Buffer.from("BUN_JSC_useJIT=0\0");

/**
 * Writes a vector with `onlyEntry` over the program header of the notes, 56 bytes that the kernel and the loader pass over
 * from then on (PT_NULL): its type and flags, two words for the vector, and room for the text. Returns its address.
 */
function makeEnvironment(elf: Elf): number {
	const header = elf.noteHeader;
	if (header === undefined || !elf.fixed) throw new Error("no header to spare, or no fixed addresses: bun has changed");
	const bytes = Buffer.alloc(56);
	const [vector, text] = [8, 24];
	bytes.writeBigUInt64LE(BigInt(header + text), vector);
	if (onlyEntry.copy(bytes, text) !== onlyEntry.length) throw new Error("no room");
	elf.write(header, bytes);
	return header + vector;
}

/** Makes what bun calls `environ` a variable of its own, which points to `vector`. */
function replaceEnvironment(elf: Elf, aliases: DynamicSymbol[], vector: number): void {
	const machine = machines[elf.machine];
	if (!machine) throw new Error(`unknown machine ${elf.machine}`);
	const indices = aliases.map(({ index }) => index);
	const variable = aliases[0]?.value ?? 0;
	if (variable === 0 || aliases.some(({ value }) => value !== variable)) {
		throw new Error("environ is not one variable of the program: bun has changed");
	}

	let copies = 0;
	for (let at = 0; at < elf.tag(Tag.relaSize); at += RELA_SIZE) {
		const address = elf.tag(Tag.rela) + at;
		const entry = elf.read(address, RELA_SIZE);
		if (!indices.includes(entry.readUInt32LE(12))) continue;
		const type = entry.readUInt32LE(8);
		if (type !== machine.copy && type !== machine.globDat) throw new Error(`unexpected relocation ${type} of environ`);
		if (type === machine.copy) copies++;
		// RELATIVE: the word becomes the addend (plus the load address, which is 0 or the same for all).
		entry.writeUInt32LE(machine.relative, 8);
		entry.writeUInt32LE(0, 12);
		entry.writeBigInt64LE(BigInt(type === machine.copy ? vector : variable), 16);
		elf.write(address, entry);
	}
	if (copies !== 1) throw new Error(`${copies} copies of environ, 1 expected: bun has changed`);
	// Nameless, so that libc doesn't take it for its own any more.
	for (const { address } of aliases) elf.write(address, Buffer.alloc(4));
}

function detach(elf: Elf): void {
	const symbols = readSymbols(elf);
	const [getenv, secure] = [found(symbols, "getenv"), found(symbols, "secure_getenv")];
	const harmless = Buffer.from("ether_aton\0");
	// The longest name that becomes free has room for the new one.
	if (harmless.length > "secure_getenv\0".length) throw new Error("no room");
	// Linkers may let a name begin in the middle of a longer one.
	for (const [name, symbol] of symbols) {
		const within = symbol.name > secure.name && symbol.name < secure.name + "secure_getenv\0".length;
		if (within && name !== "getenv") throw new Error(`${name} shares its text with secure_getenv`);
	}
	bind(elf, secure, secure.name, getenv);
	bind(elf, getenv, secure.name, getenv);
	elf.write(elf.tag(Tag.strtab) + secure.name, harmless);
	const getrlimit = found(symbols, "getrlimit");
	bind(elf, found(symbols, "setrlimit"), getrlimit.name, getrlimit);
	replaceEnvironment(
		elf,
		["environ", "_environ", "__environ"].map((name) => found(symbols, name)),
		makeEnvironment(elf),
	);
}

const file = process.argv[2];
if (file === undefined) throw new Error("usage: detach.ts FILE");
const elf = new Elf(file);
detach(elf);
elf.close();
