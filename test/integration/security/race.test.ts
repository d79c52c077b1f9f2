/** CVE-2021-30465, CVE-2024-45310: another container swaps a directory of a shared volume for a symlink meanwhile. */
import { spawn } from "node:child_process";
import { mkdirSync, readdirSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import t from "tap";
import { program } from "../../support/programs.js";
import { runtimeName, unlessPeer } from "../../support/runtime.js";
import { nothingLeft, workspace } from "../../support/workspace.js";

const space = workspace(t);
const rounds = 40;

t.test(
	"mount targets that are exchanged with symlinks to the host",
	{ skip: unlessPeer({ runc: "1.1.5 makes directories on the host, CVE-2024-45310" }) },
	async (t) => {
		const volume = space.path("volume");
		const host = space.path("host");
		mkdirSync(join(volume, "target"), { recursive: true });
		mkdirSync(host);
		writeFileSync(join(host, "secret"), "of the host\n");
		symlinkSync(host, join(volume, "link"));
		const racer = spawn(program("probe"), ["exchange", join(volume, "target"), join(volume, "link")], {
			stdio: "ignore",
		});
		let ran = 0;
		try {
			for (let round = 0; round < rounds; round++) {
				const container = space.container((config) => {
					config.root.readonly = false;
					config.mounts.push({ destination: "/volume", source: volume, options: ["rbind"] });
					config.mounts.push({ destination: "/volume/target", type: "tmpfs", source: "tmpfs" });
					config.mounts.push({ destination: "/volume/target/deeper", type: "tmpfs", source: "tmpfs" });
					config.process.args = ["/bin/sh", "-c", "cat /proc/self/mountinfo; cat /volume/*/secret 2>/dev/null"];
				});
				const result = container.run();
				if (result.status === null) throw new Error("the runtime hangs");
				if (result.stdout.includes(" /proc ")) ran++;
				t.notMatch(result.stdout, "of the host", "nothing of the host is seen");
				t.same(readdirSync(host), ["secret"], "nothing of the host is changed");
			}
		} finally {
			racer.kill("SIGKILL");
		}
		t.comment(`${ran} of ${rounds} containers ran, the others were refused`);
		// crun refuses most of them.
		if (runtimeName !== "crun") t.ok(ran > 0, "some of them ran");
	},
);

nothingLeft(t, space);
