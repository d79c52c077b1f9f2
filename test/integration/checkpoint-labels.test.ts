/** checkpoint and restore of labels: AppArmor profiles; SELinux contexts of mounts (guest with SELinux). */
import { execFileSync } from "node:child_process";
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import t from "tap";
import { withoutCriu } from "../support/criu.js";
import { Lives } from "../support/lives.js";
import { nothingLeft, workspace } from "../support/workspace.js";

const space = workspace(t);
const lives = new Lives(space);
const parameter = "/sys/module/apparmor/parameters/enabled";
const apparmor = existsSync(parameter) && readFileSync(parameter, "utf8").startsWith("Y");
const selinux = existsSync("/sys/fs/selinux/enforce");
const policy = join(import.meta.dirname, "../../build/test/selinux.policy");
if (selinux && process.env.GUEST_USER && existsSync(policy)) {
	writeFileSync("/sys/fs/selinux/load", readFileSync(policy));
}

t.test(
	"AppArmor: the profile is there again, or that of --lsm-profile",
	{ skip: withoutCriu || (apparmor ? false : "the kernel has no AppArmor, or it is off") },
	async (t) => {
		const names = [`rtt-first-${process.pid}`, `rtt-second-${process.pid}`];
		for (const name of names) {
			const text = `profile ${name} flags=(attach_disconnected,mediate_deleted) { file, signal, network, capability, ptrace, unix, }`;
			execFileSync("apparmor_parser", ["--add"], { input: text });
			t.teardown(() => execFileSync("apparmor_parser", ["--remove"], { input: text }));
		}
		const { container } = await lives.running((config) => {
			config.process.apparmorProfile = `rtt-first-${process.pid}`;
		});
		const profile = () => readFileSync(`/proc/${container.state().pid}/attr/current`, "utf8");
		t.equal(profile(), `${names[0]} (enforce)\n`);
		const images = lives.save(container);
		await lives.back(container, images);
		t.equal(profile(), `${names[0]} (enforce)\n`);
		t.equal(container.delete("--force").status, 0);
		await lives.back(container, images, "--lsm-profile", `apparmor:${names[1]}`);
		t.equal(profile(), `${names[1]} (enforce)\n`);
		t.equal(container.delete("--force").status, 0);
		const refused = await lives.fails(container, images, "--lsm-profile", "selinux:system_u:system_r:container_t:s0");
		t.equal(refused.status, 1);
		t.match(refused.stderr, /--lsm-profile selinux:.*: .*selinux is disabled or not supported/i);
	},
);

t.test(
	"without SELinux --lsm-mount-context is refused",
	{ skip: selinux ? "there is SELinux" : withoutCriu },
	async (t) => {
		const { container } = await lives.running();
		const images = lives.save(container);
		const refused = await lives.fails(
			container,
			images,
			"--lsm-mount-context",
			"system_u:object_r:container_file_t:s0",
		);
		t.equal(refused.status, 1);
		t.match(refused.stderr, /--lsm-mount-context: selinux is disabled or not supported/i);
		const wrong = await lives.fails(container, images, "--lsm-profile", "web");
		t.match(wrong.stderr, /--lsm-profile "web" is not TYPE:NAME/);
	},
);

t.test(
	"SELinux: tmpfs has the context of then, or that of --lsm-mount-context",
	{ skip: withoutCriu || (selinux ? false : "the kernel has no SELinux, or it is off") },
	async (t) => {
		const label = (level: string) => `system_u:object_r:container_file_t:s0:${level}`;
		const { container } = await lives.running((config) => {
			config.linux.mountLabel = label("c1,c2");
		});
		const context = () => {
			const line = readFileSync(`/proc/${container.state().pid}/mounts`, "utf8")
				.split("\n")
				.find((text) => text.includes(" /dev "));
			return /context="([^"]*)"/.exec(line ?? "")?.[1];
		};
		t.equal(context(), label("c1,c2"));
		const images = lives.save(container);
		await lives.back(container, images);
		t.equal(context(), label("c1,c2"));
		t.equal(container.delete("--force").status, 0);
		await lives.back(container, images, "--lsm-mount-context", label("c0,c1"));
		t.equal(context(), label("c0,c1"));
		t.equal(container.delete("--force").status, 0);
	},
);

nothingLeft(t, space);
