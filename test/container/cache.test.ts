import t from "tap";
import { seccompFilter } from "../../src/container/cache.js";
import { FakeNative } from "../../src/native/fake.js";

const program = Uint8Array.from({ length: 16 }, (_, index) => index);
const profile = JSON.stringify({ names: Array.from({ length: 300 }, (_, index) => `call${index}`) });

class Compiler extends FakeNative {
	compiled = 0;
	override compileSeccomp(): Uint8Array {
		this.compiled++;
		return program;
	}
}

function host(): Compiler {
	const native = new Compiler();
	native.files.putDirectory("/run/r");
	return native;
}

const cached = (native: Compiler) => native.files.paths().filter((path) => path.startsWith("/run/r/@seccomp/"));

t.test("compiled once, kept when the caller says so, the same bytes again", async (t) => {
	const native = host();
	const first = seccompFilter(native, "/run/r", profile);
	t.strictSame(cached(native), [], "nothing is written before");
	first.keep?.();
	const second = seccompFilter(native, "/run/r", profile);
	t.equal(native.compiled, 1);
	t.strictSame([...second.program], [...program]);
	t.equal(second.keep, undefined);
});

t.test("an entry of another profile, another libseccomp, or a damaged one is not used", async (t) => {
	for (const damage of [
		(text: string) => text.replace("call7", "cal17"),
		(text: string) => text.replace(/^2\./, "3."),
		(text: string) => text.slice(0, -6),
		(text: string) => text.slice(0, text.lastIndexOf("\n") + 1),
	]) {
		const native = host();
		seccompFilter(native, "/run/r", profile).keep?.();
		const path = cached(native)[0] ?? "";
		native.files.put(path, damage(native.files.read(path)));
		seccompFilter(native, "/run/r", profile);
		t.equal(native.compiled, 2);
	}
});

t.test("it does not grow for ever", async (t) => {
	const native = host();
	for (let index = 0; index < 200; index++) seccompFilter(native, "/run/r", `${profile}${" ".repeat(index)}`).keep?.();
	t.ok(cached(native).length <= 64 && cached(native).length > 0);
});

t.test("a full disk does not matter", async (t) => {
	const native = host();
	native.replaceFile = () => {
		throw Object.assign(new Error("write"), { syscall: "write", errno: 28, code: "ENOSPC" });
	};
	t.doesNotThrow(() => seccompFilter(native, "/run/r", profile).keep?.());
});
