import t from "tap";
import { destroy } from "../../src/container/delete.js";
import { kill } from "../../src/container/kill.js";
import { forEachMatching } from "../../src/container/matching.js";
import { put, root, SceneNative } from "./scene.js";

function scene(): SceneNative {
	const native = new SceneNative();
	for (const [index, id] of ["web-1", "web-2", "db", "my-web"].entries()) put(native, { id, pid: 500 + index });
	native.files.putDirectory(`${root}/@seccomp`);
	return native;
}

const place = { root };

t.test("every id that matches, and no other", async (t) => {
	const matches = (pattern: string): string[] => {
		const ids: string[] = [];
		forEachMatching(scene(), place, pattern, (id) => ids.push(id), t.fail);
		return ids;
	};
	t.strictSame(matches("^web-"), ["web-1", "web-2"]);
	t.strictSame(matches("web"), ["my-web", "web-1", "web-2"]);
	t.strictSame(matches("^(db|web-[2-9])$"), ["db", "web-2"]);
	t.strictSame(matches("none"), []);
	t.strictSame(matches("seccomp"), [], "a cache is no container");
	t.throws(() => matches("("), { code: "usage", message: "invalid regular expression (" });
});

t.test(
	"kill and delete; one that fails is told, and fails the whole when the others have had their turn",
	async (t) => {
		const native = scene();
		native.processes.delete(500);
		const told: string[] = [];
		const all = (action: (id: string) => void) =>
			forEachMatching(native, place, "^web-", action, (message) => told.push(message));
		t.throws(() => all((id) => kill(native, { root, id, signal: "TERM" })), {
			message: "failed for 1 of 2 containers",
		});
		t.match(native.callsOf("signalPid"), [{ pid: 501, signal: 15 }]);
		t.throws(() => all((id) => destroy(native, { root, id })), { message: "failed for 1 of 2 containers" });
		t.strictSame(told, [
			"container web-1: container not running",
			"container web-2: cannot delete container web-2 that is not stopped: running",
		]);
		all((id) => destroy(native, { root, id, force: true }));
		t.strictSame(
			native.files.paths().filter((path) => path.startsWith(`${root}/`) && path.endsWith("state.json")),
			[`${root}/db/state.json`, `${root}/my-web/state.json`],
		);
	},
);
