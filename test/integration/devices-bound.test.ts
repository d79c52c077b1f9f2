/** linux.devices where the devices are the host's: a /dev that is bound, and a user namespace, where mknod is refused. */
import { execFileSync } from "node:child_process";
import { existsSync, mkdirSync, statSync } from "node:fs";
import { join } from "node:path";
import t from "tap";
import type { Config } from "../support/config.js";
import { oursOnly } from "../support/runtime.js";
import { type Container, nothingLeft, workspace } from "../support/workspace.js";

const space = workspace(t);

/** Runs it and returns its output and its warnings. */
function ran(container: Container): { stdout: string; warnings: string[] } {
	const result = container.run([], { debug: true });
	t.equal(result.status, 0, result.stderr);
	return {
		stdout: result.stdout,
		warnings: result.log.filter(({ level }) => level === "warning").map(({ msg }) => msg),
	};
}

t.test("beside a /dev that is bound, devices are made; below it they are not", { skip: oursOnly }, async (t) => {
	const dev = space.path("dev");
	mkdirSync(dev);
	execFileSync("mknod", ["-m", "666", join(dev, "null"), "c", "1", "3"]);
	const container = space.container((config) => {
		config.root.readonly = false;
		config.mounts = config.mounts.filter(({ destination }) => !destination.startsWith("/dev"));
		config.mounts.push({ destination: "/dev", type: "bind", source: dev, options: ["bind"] });
		config.linux.devices = [
			{ type: "c", path: "/dev/full", major: 1, minor: 7 },
			{ type: "c", path: "/opt/zero", major: 1, minor: 5, fileMode: 0o640, uid: 7, gid: 8 },
		];
		config.process.args = ["/bin/sh", "-c", "ls -A /dev; stat -c '%F %a %t:%T %u:%g' /opt/zero"];
	});
	const { stdout, warnings } = ran(container);
	t.equal(stdout, "null\ncharacter special file 640 1:5 7:8\n");
	t.match(warnings, [/^1 of the devices are left to the mount on \/dev, which is bound from the host/]);
	t.notOk(existsSync(join(dev, "full")), "and nothing is written to the host's directory");
});

t.test("mode and owner in a user namespace are those of the host's device", { skip: oursOnly }, async (t) => {
	const { mode, uid, gid } = statSync("/dev/full");
	const own = { fileMode: mode & 0o777 };
	const attempt = (attributes: object, hostID: number) =>
		ran(
			space.container((config: Config) => {
				config.root.readonly = false;
				config.linux.namespaces.push({ type: "user" });
				config.linux.uidMappings = [{ containerID: 0, hostID, size: 65536 }];
				config.linux.gidMappings = [{ containerID: 0, hostID, size: 65536 }];
				config.linux.devices = [{ type: "c", path: "/dev/full", major: 1, minor: 7, ...attributes }];
				config.process.args = ["/bin/stat", "-c", "%a", "/dev/full"];
			}),
		);
	const shown = `${own.fileMode.toString(8)}\n`;
	t.same(attempt({ ...own, uid, gid }, 0), { stdout: shown, warnings: [] }, "as engines copy them");
	t.same(attempt({}, 100000), { stdout: shown, warnings: [] }, "nothing asked for");
	const said = new RegExp(`^/dev/full keeps the mode and owner of the host's device \\(0\\d{3}, ${uid}:${gid}\\)`);
	for (const [attributes, hostID] of [
		[{ fileMode: 0o600 }, 0],
		[{ ...own, uid: 7 }, 0],
		[{ ...own, gid }, 100000],
	] as const) {
		const { stdout, warnings } = attempt(attributes, hostID);
		t.equal(stdout, shown);
		t.equal(warnings.length, 1);
		t.match(warnings[0], said);
	}
});

nothingLeft(t, space);
