/** What Podman has and Docker has not. */
import { chmodSync, mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { Test } from "tap";
import { NotifySocket } from "../../support/notify-socket.js";
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

	t.test("exec --preserve-fds", async (t) => {
		const name = await engine.sleeping();
		const words = [...engine.argv, "exec", "--preserve-fds", "1", name, "/bin/sh", "-c", "cat <&3; ls /proc/self/fd"];
		writeFileSync(join(shared, "third"), "third\n");
		const script = `exec "$@" 3<${shared}/third 4<${shared}/third`;
		const answer = await machine.run(["sh", "-c", script, "sh", ...words], engine.options);
		// 4 is not asked for: there it is the directory that ls reads.
		t.same(answer, { status: 0, stdout: "third\n0\n1\n2\n3\n4\n", stderr: "" });
		await engine.remove(name);
	});

	t.test("run --sdnotify=container: the container's word reaches the service manager", async (t) => {
		const path = join(shared, "notify.sock");
		const socket = new NotifySocket(path);
		t.teardown(() => socket.close());
		await socket.listening();
		chmodSync(path, 0o777); // an ordinary user's podman
		const command = ["/bin/sh", "-c", "probe notify 'READY=1'; exec sleep 1000"];
		const name = engine.unusedName();
		// Podman comes back when it is ready.
		const words = ["run", "--detach", "--name", name, "--sdnotify", "container", image, ...command];
		const answer = await engine.run(words, { env: { ...engine.options.env, NOTIFY_SOCKET: path } });
		t.equal(answer.status, 0, answer.stderr);
		await until(() => /READY=1/.test(socket.received), "it is told");
		t.match(socket.received, /MAINPID=\d+/, "conmon's");
		await engine.remove(name);
	});

	t.test("run --security-opt mask and unmask, --umask", async (t) => {
		const masked = await engine.inside(["--security-opt", "mask=/etc/group:/data"], {
			group: "wc -c </etc/group",
			data: "ls /data | wc -l",
		});
		t.same(masked, { group: "0", data: "0" });
		const unmasked = await engine.inside(["--security-opt", "unmask=ALL", "--umask", "0027"], {
			mounts: "grep -c -E ' /proc/(keys|timer_list|kcore|sys) ' /proc/self/mountinfo",
			umask: "umask",
		});
		t.same(unmasked, { mounts: "0", umask: "0027" });
	});

	t.test("run --mount type=bind: recursive, read-only, propagation; type=image", async (t) => {
		const bind = `type=bind,source=${shared},target=/one`;
		const {
			slave,
			shared: both,
			ro,
		} = await engine.inside(
			[
				...["--mount", `${bind},bind-propagation=rslave`],
				...["--mount", `type=bind,source=${shared},target=/two,bind-propagation=private`],
				...["--mount", `type=bind,source=${shared},target=/three,ro`],
				...["--mount", `type=image,source=${image},target=/four`],
			],
			{
				slave: "grep ' /one ' /proc/self/mountinfo",
				shared: "grep ' /two ' /proc/self/mountinfo; cat /four/data/from-image",
				ro: "touch /three/no",
			},
		);
		t.match(slave, / master:\d+ /);
		t.notMatch(both, /master|shared:/);
		t.match(both, /of the image$/);
		t.match(ro, /Read-only file system/);
	});
}
