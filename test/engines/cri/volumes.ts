/** Volumes as the kubelet prepares them on the node. */
import { mkdirSync, renameSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { Test } from "tap";
import type { Cri, Pod } from "./cri.js";

export function criVolumes(t: Test, cri: Cri, shared: Pod): void {
	const { machine, directory, sleeping, sh, remove } = cri;
	/** A directory of the node that no other test has. */
	const volume = (name: string) => {
		const path = join(directory, "volumes", name);
		mkdirSync(path, { recursive: true });
		return path;
	};

	t.test("hostPath: a directory and a file, whose places are not in the image", async (t) => {
		const path = volume("host-path");
		writeFileSync(join(path, "file"), "of the node\n");
		const id = await sleeping(shared, {
			mounts: [
				{ containerPath: "/not/in/the/image", hostPath: path },
				{ containerPath: "/etc/deep/file", hostPath: join(path, "file"), readonly: true },
				{ containerPath: "/dev/termination-log", hostPath: join(path, "file") },
			],
		});
		t.equal(await sh(id, "cat /etc/deep/file; echo of the pod >/not/in/the/image/new"), "of the node");
		t.equal(machine.read(join(path, "new")), "of the pod\n");
		t.match(await sh(id, "echo no >/etc/deep/file"), /Read-only file system/);
		await sh(id, "echo last words >/dev/termination-log");
		t.equal(machine.read(join(path, "file")), "last words\n");
		await remove(id);
	});

	t.test("subPath: a bind of a part of the volume, through a descriptor as the kubelet makes it", async (t) => {
		const path = volume("whole");
		const target = volume("subpaths/0");
		mkdirSync(join(path, "part"));
		writeFileSync(join(path, "part/file"), "of the part\n");
		writeFileSync(join(path, "secret"), "of the whole\n");
		await machine.sh(`exec 3<${path}/part; mount --no-canonicalize --bind /proc/self/fd/3 ${target}`);
		t.teardown(() => machine.sh(`umount ${target}`));
		const id = await sleeping(shared, { mounts: [{ containerPath: "/data", hostPath: target }] });
		t.equal(
			await sh(id, "ls /data; cat /data/file; ls /data/../secret"),
			"file\nof the part\nls: /data/../secret: No such file or directory",
		);
		t.match(await sh(id, "grep ' /data ' /proc/self/mountinfo"), /\/whole\/part \/data /);
		await remove(id);
	});

	t.test("a projected volume: read-only, and an update of the node is seen", async (t) => {
		const path = volume("projected");
		await machine.sh(`mount -t tmpfs -o size=1m projected ${path}`);
		t.teardown(() => machine.sh(`umount ${path}`));
		// The machine's mount, seen from here.
		const seen = `/proc/${machine.pid}/root${path}`;
		const write = (version: string, token: string) => {
			mkdirSync(join(seen, version));
			writeFileSync(join(seen, version, "token"), token, { mode: 0o640 });
			symlinkSync(version, join(seen, "..data_tmp"));
			renameSync(join(seen, "..data_tmp"), join(seen, "..data"));
		};
		write("..first", "first");
		symlinkSync("..data/token", join(seen, "token"));
		const place = "/var/run/secrets/kubernetes.io/serviceaccount";
		const id = await sleeping(shared, { mounts: [{ containerPath: place, hostPath: path, readonly: true }] });
		t.equal(await sh(id, `cat ${place}/token; stat -L -c %a ${place}/token`), "first640");
		write("..second", "second");
		t.equal(await sh(id, `cat ${place}/token`), "second");
		t.match(await sh(id, `echo no >${place}/token`), /Read-only file system/);
		await remove(id);
	});

	t.test("an emptyDir between two containers, one of them read-only, with a mount below it", async (t) => {
		const path = volume("empty");
		mkdirSync(join(path, "below"));
		await machine.sh(`mount -t tmpfs -o size=1m below ${path}/below && echo below >${path}/below/file`);
		t.teardown(() => machine.sh(`umount ${path}/below`));
		const writer = await sleeping(shared, { mounts: [{ containerPath: "/cache", hostPath: path }] });
		const reader = await sleeping(shared, { mounts: [{ containerPath: "/cache", hostPath: path, readonly: true }] });
		await sh(writer, "echo shared >/cache/file");
		t.equal(await sh(reader, "cat /cache/file /cache/below/file"), "shared\nbelow");
		t.match(await sh(reader, "touch /cache/no"), /Read-only file system/);
		await remove(writer, reader);
	});
}
