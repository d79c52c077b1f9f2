/** Containers in user namespaces: what the ids are inside, and who the host sees. */
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import type { Test } from "tap";
import type { Engine } from "../engine.js";

/** `flags`: what makes the user namespace, where the engine's configuration does not. `first`: the host's id of its root. */
export function userNamespaces(t: Test, engine: Engine, flags: string[], first: number): void {
	t.test(`a user namespace: ${flags.join(" ") || "the engine's"}`, async (t) => {
		const answers = await engine.inside(flags, {
			map: "cat /proc/self/uid_map",
			user: "id -u",
			owner: "stat -c %u /etc/passwd",
			proc: "cat /proc/sys/kernel/ostype",
			chown: "touch /tmp/file && chown 1000 /tmp/file && stat -c %u /tmp/file",
			mount: "cat /proc/self/mountinfo | grep -c ' /dev/shm '",
		});
		t.match(answers.map, new RegExp(`^\\s*0\\s+${first}\\s+\\d+`));
		t.equal(answers.user, "0");
		t.equal(answers.owner, "0", "the image's files are its root's");
		t.equal(answers.proc, "Linux");
		t.equal(answers.chown, "1000");
		t.equal(answers.mount, "1");
	});

	t.test(
		`a user namespace: processes and files, seen from the host (${flags.join(" ") || "the engine's"})`,
		async (t) => {
			const name = await engine.sleeping([...flags, "--volume", `${engine.shared}:/shared`]);
			t.teardown(() => engine.remove(name));
			const pid = await engine.inspect(name, "{{.State.Pid}}");
			t.match(engine.machine.read(`/proc/${pid}/status`), new RegExp(`^Uid:\t${first}\t`, "m"));
			const file = `made-${name}`;
			await engine.ok("exec", name, "touch", `/shared/${file}`);
			t.equal(await engine.machine.sh(`stat -c %u ${join(engine.shared, file)}`), String(first));
			writeFileSync(join(engine.shared, "secret"), "", { mode: 0o600 });
			t.not((await engine.run(["exec", name, "cat", "/shared/secret"])).status, 0, "its root is not the host's");
			t.match(await engine.ok("exec", "--user", "1000", name, "id", "-u"), /^1000$/);
		},
	);
}
