import t from "tap";
import { checkId, stateRoot } from "../../src/container/place.js";
import type { RuntimeError } from "../../src/errors.js";
import { FakeNative } from "../../src/native/fake.js";

function rootFor(env: Record<string, string>, identity: { euid: number; initialUserNamespace: boolean }) {
	const native = new FakeNative();
	native.identityFacts = { egid: 0, ...identity };
	return stateRoot(native, { env }).path;
}

t.test("the default state root", async (t) => {
	const host = { euid: 0, initialUserNamespace: true };
	const user = { euid: 1000, initialUserNamespace: true };
	const inNamespace = { euid: 0, initialUserNamespace: false };
	t.equal(rootFor({}, host), "/run/runtime-ts");
	t.equal(rootFor({ XDG_RUNTIME_DIR: "" }, host), "/run/runtime-ts", "podman sets it to nothing");
	t.equal(rootFor({ XDG_RUNTIME_DIR: "/run/user/0" }, host), "/run/runtime-ts");
	t.equal(rootFor({ XDG_RUNTIME_DIR: "/run/user/7" }, user), "/run/user/7/runtime-ts");
	t.equal(rootFor({ XDG_RUNTIME_DIR: "" }, user), "/run/runtime-ts");
	t.equal(rootFor({ XDG_RUNTIME_DIR: "/run/user/7", USER: "jo" }, inNamespace), "/run/user/7/runtime-ts");
	t.equal(rootFor({ XDG_RUNTIME_DIR: "/run/user/7" }, inNamespace), "/run/user/7/runtime-ts");
	t.equal(rootFor({ XDG_RUNTIME_DIR: "/run/user/7", USER: "root" }, inNamespace), "/run/runtime-ts");
});

t.test("--root is made absolute; / is refused in every spelling", async (t) => {
	const native = new FakeNative();
	t.equal(stateRoot(native, { root: "/a/../b" }).path, "/b");
	t.equal(stateRoot(native, { root: "x" }).path, `${process.cwd()}/x`);
	for (const root of ["/", "//", "/a/.."]) t.throws(() => stateRoot(native, { root }), { code: "usage" }, root);
});

t.test("a refused id: the hint says what is wrong with it", async (t) => {
	const hintFor = (id: string): string => {
		try {
			checkId(id);
		} catch (error) {
			return (error as RuntimeError).context.hint ?? "none";
		}
		return "not refused";
	};
	t.equal(hintFor("a/b"), '"a/b" may hold letters, digits and _ + - . only');
	t.equal(hintFor(".."), '".." is the name of another directory');
	t.equal(hintFor("x".repeat(256)), "it has 256 characters, 255 are possible");
	t.equal(hintFor("x".repeat(255)), "not refused");
});

t.test("ids", async (t) => {
	for (const id of ["a", "A-b_c+d.e", "...", "-x", "0"]) t.doesNotThrow(() => checkId(id), id);
	t.throws(() => checkId(""), { message: "container id cannot be empty" });
	for (const id of [".", "..", "a/b", "a b", "@seccomp", "ä", "a\n", "a\0"]) {
		t.throws(
			() => checkId(id),
			{ code: "container.id-invalid", message: "invalid container ID format" },
			JSON.stringify(id),
		);
	}
});
