/** What Podman has and Docker has not. */
import { chmodSync, mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { Test } from "tap";
import { type Engine, image } from "../engine.js";
import { runtimeName, until } from "../lane.js";

export function podmanOnly(t: Test, engine: Engine): void {
	const { machine, shared } = engine;

	t.test("pod: two containers with one network, IPC and UTS namespace", async (t) => {
		const pod = engine.unusedName();
		await engine.ok(
			"pod",
			"create",
			"--name",
			pod,
			"--hostname",
			"of-the-pod",
			"--infra-image",
			"docker.io/library/lane-pause:1",
		);
		t.teardown(() => engine.ok("pod", "rm", "--force", "--time", "0", pod));
		const server = await engine.detached(["--pod", pod], ["httpd", "-f", "-p", "8080", "-h", "/www"]);
		const other = await engine.sleeping(["--pod", pod]);
		const fetch = "printf 'GET / HTTP/1.0\\r\\n\\r\\n' | nc -w 3 127.0.0.1 8080";
		await until(
			async () => /served/.test((await engine.run(["exec", other, "/bin/sh", "-c", fetch])).stdout),
			"it serves",
		);
		for (const type of ["net", "ipc", "uts"]) {
			const link = ["readlink", `/proc/self/ns/${type}`];
			t.equal(await engine.ok("exec", server, ...link), await engine.ok("exec", other, ...link), type);
		}
		t.equal(await engine.ok("exec", other, "hostname"), "of-the-pod");
	});

	t.test("run --preserve-fds", async (t) => {
		const words = [
			...engine.argv,
			"run",
			"--rm",
			"--preserve-fds",
			"2",
			image,
			"/bin/sh",
			"-c",
			"cat <&3; cat <&4; ls /proc/self/fd",
		];
		writeFileSync(join(shared, "three"), "three\n");
		writeFileSync(join(shared, "four"), "four\n");
		const script = `exec "$@" 3<${shared}/three 4<${shared}/four 5<${shared}/four`;
		const answer = await machine.run(["sh", "-c", script, "sh", ...words], engine.options);
		// 5 is not asked for: there it is the directory that ls reads.
		t.same(answer, { status: 0, stdout: "three\nfour\n0\n1\n2\n3\n4\n5\n", stderr: "" });
	});

	t.test("run --hooks-dir: hooks of each kind, in the specification's order", async (t) => {
		const directory = join(shared, "hooks.d");
		mkdirSync(directory);
		const log = join(shared, "hooks.log");
		writeFileSync(log, "");
		chmodSync(log, 0o666);
		// Podman runs poststop itself.
		const stages = ["prestart", "createRuntime", "createContainer", "poststart"];
		for (const stage of stages) {
			const args = ["sh", "-c", `grep -o '"status": *"[a-z]*"' | sed 's/^/${stage} /' >>${log}`];
			const hook = { version: "1.0.0", hook: { path: "/bin/sh", args }, when: { always: true }, stages: [stage] };
			writeFileSync(join(directory, `${stage}.json`), JSON.stringify(hook));
		}
		const answer = await engine.run(["--hooks-dir", directory, "run", "--rm", image, "sleep", "0.5"]);
		t.equal(answer.status, 0, answer.stderr);
		const lines = machine.read(log).trim().split("\n");
		t.same(
			lines.map((line) => line.split(" ")[0]),
			stages,
		);
		t.match(lines[0], /"creat(ing|ed)"/);
		t.match(lines[3], /"(running|created)"/, "runc before 1.3 runs it before the process");
	});

	const skip = runtimeName === "runc" && "runc has no --cgroup-manager";
	t.test("run --cgroups=disabled", { skip }, async (t) => {
		const name = await engine.sleeping(["--cgroups=disabled"]);
		t.equal(await engine.ok("exec", name, "echo", "alive"), "alive");
		const container = await engine.inspect(name, "{{.Id}}");
		t.same(
			machine.cgroups().filter((path) => path.includes(container)),
			[],
			"it has none",
		);
		await engine.remove(name);
	});

	t.test("run --rootfs: a directory in place of an image", async (t) => {
		// Podman writes to it.
		const rootfs = join(shared, "rootfs");
		await machine.sh(
			`mkdir -p ${rootfs} && cp -a ${machine.directory}/image/rootfs/. ${rootfs} && chown -R $(stat -c %u:%g ${engine.options.env?.["HOME"] ?? "/"}) ${rootfs}`,
		);
		const answer = await engine.run(["run", "--rm", "--rootfs", rootfs, "cat", "/data/from-image"]);
		t.same(answer, { status: 0, stdout: "of the image\n", stderr: "" });
	});

	t.test("init, start: the two halves of run", async (t) => {
		const name = engine.unusedName();
		await engine.ok("create", "--name", name, image, "/bin/sh", "-c", "echo started; exec sleep 1000");
		await engine.ok("init", name);
		t.match(await engine.inspect(name, "{{.State.Status}}"), /initialized|created/);
		t.equal(await engine.ok("logs", name), "");
		await engine.ok("start", name);
		await until(async () => (await engine.ok("logs", name)) === "started", "it runs");
		await engine.remove(name);
	});
}
