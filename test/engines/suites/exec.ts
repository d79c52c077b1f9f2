/** More processes in a running container. */
import type { Test } from "tap";
import type { Engine } from "../engine.js";
import { until } from "../lane.js";

export function execs(t: Test, engine: Engine): void {
	t.test("exec", async (t) => {
		const name = await engine.sleeping(["--env", "FROM=run"]);
		t.teardown(() => engine.remove(name));

		t.test("exec: output, standard error and input", async (t) => {
			const command = ["exec", "-i", name, "/bin/sh", "-c", "cat; echo wrong >&2"];
			t.same(await engine.run(command, { input: "asked\n" }), { status: 0, stdout: "asked\n", stderr: "wrong\n" });
		});

		t.test("exec: exit status", async (t) => {
			for (const [command, status] of [
				["exit 0", 0],
				["exit 3", 3],
				["kill -KILL $$", 137],
				["kill -TERM $$", 143],
			] as const) {
				t.equal((await engine.run(["exec", name, "/bin/sh", "-c", command])).status, status, command);
			}
		});

		t.test(
			"exec: the engine's status for a program that is not there, 126 for one that cannot be executed",
			async (t) => {
				for (const program of ["no-such-program", "/no/such/program"]) {
					const { status, stdout, stderr } = await engine.run(["exec", name, program]);
					t.equal(status, engine.quirks.execNotFound ?? 127, program);
					t.match(stderr + stdout, /executable file not found|no such file or directory/i);
				}
				const { status, stdout, stderr } = await engine.run(["exec", name, "/etc/not-executable"]);
				t.equal(status, 126);
				t.match(stderr + stdout, /permission denied/i);
			},
		);

		t.test("exec: in the container's namespaces and cgroups", async (t) => {
			const namespaces = "for type in mnt pid net ipc uts cgroup user; do readlink /proc/self/ns/$type; done";
			const own = await engine.ok("exec", name, "/bin/sh", "-c", namespaces);
			const first = await engine.ok("exec", name, "/bin/sh", "-c", namespaces.replaceAll("self", "1"));
			t.equal(own, first);
			const cgroups = await engine.ok(
				"exec",
				name,
				"/bin/sh",
				"-c",
				"cat /proc/self/cgroup; echo -; cat /proc/1/cgroup",
			);
			const [mine, its] = cgroups.split("-\n");
			t.equal(mine?.trim(), its?.trim());
			t.match(await engine.ok("exec", name, "ps"), /sleep 1000/);
		});

		t.test("exec: environment and working directory", async (t) => {
			const flags = ["--env", "A=b c", "--workdir", "/tmp"];
			t.equal(
				await engine.ok("exec", ...flags, name, "/bin/sh", "-c", "echo $A $FROM $IMAGE; pwd"),
				"b c run lane\n/tmp",
			);
		});

		t.test("exec --user", async (t) => {
			t.match(await engine.ok("exec", "--user", "1000:7", name, "id"), /^uid=1000(\(user\))? gid=7/);
			t.match(await engine.ok("exec", "--user", "user", name, "id"), /^uid=1000\(user\) gid=1000\(user\)/);
		});

		t.test("exec --detach", async (t) => {
			await engine.ok("exec", "--detach", name, "/bin/sh", "-c", "echo done >/tmp/detached; exec sleep 1000");
			await until(async () => (await engine.run(["exec", name, "cat", "/tmp/detached"])).stdout === "done\n", "it ran");
			t.match(await engine.ok("exec", name, "ps"), /sleep 1000[\s\S]*sleep 1000/);
		});

		t.test("exec --tty: a terminal, with resize", async (t) => {
			const terminal = engine.terminal("exec", "-it", name, "/bin/sh");
			t.teardown(() => terminal.close());
			terminal.size(33, 99);
			await terminal.shows(/[#$] /);
			// The size may arrive after the start.
			terminal.write("until [ \"$(stty size)\" = '33 99' ]; do sleep 0.1; done; tty\n");
			await terminal.shows(/\/dev\/pts\/\d/);
			terminal.size(44, 111);
			terminal.write("until [ \"$(stty size)\" = '44 111' ]; do sleep 0.1; done; echo resi''zed\n");
			await terminal.shows(/resized/);
			terminal.write("exit 7\n");
			t.equal((await terminal.ended()).status, 7);
		});

		t.test("exec --privileged", { skip: engine.unable.allCapabilities ?? false }, async (t) => {
			const status = await engine.ok("exec", "--privileged", name, "cat", "/proc/self/status");
			const effective = BigInt(`0x${/^CapEff:\t([0-9a-f]+)$/m.exec(status)?.[1]}`);
			for (const [name, bit] of [
				["NET_ADMIN", 12n],
				["SYS_ADMIN", 21n],
				["SYSLOG", 34n],
			] as const)
				t.ok(effective & (1n << bit), name);
		});
	});

	t.test("exec: into a container that has stopped fails", async (t) => {
		const name = await engine.detached([], ["true"]);
		await engine.ok("wait", name);
		const answer = await engine.run(["exec", name, "true"]);
		t.not(answer.status, 0);
		t.match(answer.stderr, /not running|stopped|improper/);
		await engine.remove(name);
	});
}
