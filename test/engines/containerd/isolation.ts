/** What a container may and sees, and a config.json of one's own. */
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import type { Test } from "tap";
import type { Ctr } from "./ctr.js";

export function ctrIsolation(t: Test, ctr: Ctr): void {
	const { machine, directory, run, unused, inside } = ctr;

	t.test("capabilities, system calls, privileges", async (t) => {
		const status = { status: "cat /proc/self/status" };
		const of = async (...flags: string[]) => (await inside(flags, status)).status;
		const standard = await of();
		t.match(standard, /^CapEff:\t00000000a80425fb$/m);
		t.match(standard, /^NoNewPrivs:\t1$/m);
		t.match(standard, /^Seccomp:\t0$/m);
		t.match(await of("--allow-new-privs"), /^NoNewPrivs:\t0$/m);
		t.match(await of("--seccomp"), /^Seccomp:\t2$/m);
		t.match(await of("--cap-drop", "CAP_CHOWN"), /^CapEff:\t00000000a80425fa$/m);
		t.match(await of("--cap-add", "CAP_NET_ADMIN"), /^CapEff:\t00000000a80435fb$/m);
		const privileged = await inside(["--privileged"], { ...status, mount: "mount -t tmpfs none /tmp && echo mounted" });
		t.match(privileged.status, /^CapEff:\t000001f/m);
		t.equal(privileged.mount, "mounted");
	});

	t.test("seccomp: a profile of one's own", async (t) => {
		const profile = join(directory, "seccomp.json");
		const rules = [{ names: ["mkdir", "mkdirat"], action: "SCMP_ACT_ERRNO", errnoRet: 95 }];
		writeFileSync(profile, JSON.stringify({ defaultAction: "SCMP_ACT_ALLOW", syscalls: rules }));
		const { made } = await inside(["--seccomp", "--seccomp-profile", profile], { made: "mkdir /tmp/new" });
		t.match(made, /not supported/i);
	});

	t.test("mounts, a read-only root, a device", async (t) => {
		writeFileSync(join(directory, "file"), "of the host\n");
		const result = await inside(
			["--read-only", "--mount", `type=bind,src=${directory},dst=/data,options=rbind:ro`, "--device", "/dev/fuse"],
			{
				file: "cat /data/file",
				data: "touch /data/no",
				root: "touch /no",
				device: "exec 3</dev/fuse && echo opened",
				other: "mknod /run/kmsg c 1 11; head -c 1 /run/kmsg",
			},
		);
		t.equal(result.file, "of the host");
		t.match(result.data, /Read-only file system/);
		t.match(result.root, /Read-only file system/);
		t.equal(result.device, "opened");
		t.match(result.other, /head: \/run\/kmsg: Operation not permitted/);
	});

	t.test("namespaces: its own network; --net-host; joined ones; a user namespace", async (t) => {
		t.same((await inside([], { devices: "ls /sys/class/net" })).devices, "lo");
		const host = await inside(["--net-host"], { net: "readlink /proc/self/ns/net" });
		t.equal(host.net, await machine.sh("readlink /proc/1/ns/net"));
		const ipc = await inside(["--with-ns", "ipc:/proc/1/ns/ipc"], { ipc: "readlink /proc/self/ns/ipc" });
		t.equal(ipc.ipc, await machine.sh("readlink /proc/1/ns/ipc"));
		const mapped = await inside(["--uidmap", "0:100000:65536", "--gidmap", "0:100000:65536"], {
			map: "cat /proc/self/uid_map",
			owner: "stat -c %u /etc/passwd",
		});
		t.match(mapped.map, /^0 +100000 +65536$/);
		t.equal(mapped.owner, "0");
	});

	t.test("a config.json of one's own, with hooks of each kind", async (t) => {
		const id = unused();
		const file = join(directory, "config.json");
		const rootfs = join(machine.directory, "image/rootfs");
		const kinds = ["prestart", "createRuntime", "createContainer", "startContainer", "poststart", "poststop"];
		const hook = (kind: string) => {
			const target = kind === "startContainer" ? "/hooks/log" : `${directory}/hooks.log`;
			return [
				{ path: "/bin/sh", args: ["sh", "-c", `grep -o '"status": *"[a-z]*"' | sed 's/^/${kind} /' >>${target}`] },
			];
		};
		writeFileSync(join(directory, "hooks.log"), "");
		writeFileSync(
			file,
			JSON.stringify({
				ociVersion: "1.0.2",
				process: {
					user: { uid: 0, gid: 0 },
					args: ["/bin/sh", "-c", "echo from the config; sleep 0.3"],
					env: ["PATH=/bin"],
					cwd: "/",
				},
				root: { path: rootfs },
				mounts: [
					{ destination: "/proc", type: "proc", source: "proc" },
					{ destination: "/hooks/log", type: "bind", source: `${directory}/hooks.log`, options: ["bind"] },
				],
				hooks: Object.fromEntries(kinds.map((kind) => [kind, hook(kind)])),
				linux: { namespaces: ["pid", "mount", "ipc"].map((type) => ({ type })), cgroupsPath: ctr.cgroup(id) },
			}),
		);
		const answer = await ctr.ctr([...run(id), "--rm", "--config", file, id]);
		t.same(answer, { status: 0, stdout: "from the config\n", stderr: "" });
		const lines = machine.read(join(directory, "hooks.log")).trim().split("\n");
		const order = lines.map((line) => line.split(" ")[0]);
		t.same([...order].sort(), [...kinds].sort(), "each once");
		t.same(order.slice(0, 3), kinds.slice(0, 3), "before the start, in the specification's order");
		t.equal(order.at(-1), "poststop");
	});
}
