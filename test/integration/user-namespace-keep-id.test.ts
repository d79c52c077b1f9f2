/** The caller is one of the container's users, and not its root, as `podman --userns=keep-id` has it. */
import { chownSync } from "node:fs";
import t from "tap";
import { nothingLeft, workspace } from "../support/workspace.js";

const space = workspace(t);

t.test("create, start: the start of the one who created it is taken", async (t) => {
	const container = space.container((config, bundle) => {
		config.linux.namespaces.push({ type: "user" });
		config.linux.uidMappings = [
			{ containerID: 0, hostID: 100_000, size: 1000 },
			{ containerID: 1000, hostID: 0, size: 1 },
		];
		config.linux.gidMappings = [...config.linux.uidMappings];
		config.mounts = config.mounts.filter(({ type }) => type !== "cgroup");
		config.process.user = { uid: 1000, gid: 1000 };
		config.process.args = ["/bin/sh", "-c", "id -u; cat /proc/self/uid_map; exec sleep 1000"];
		chownSync(bundle.rootfs, 100_000, 100_000);
	});
	t.equal(container.create().status, 0);
	t.equal(container.start().status, 0);
	await container.printed("1000\n");
	await container.printed("1000          0          1");
	t.equal(container.state().status, "running");
	t.equal(container.kill("KILL").status, 0);
	await container.stopped();
	t.equal(container.delete().status, 0);
});

nothingLeft(t, space);
