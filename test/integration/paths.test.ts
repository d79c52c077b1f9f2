import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import t from "tap";
import { mountOn } from "../support/mountinfo.js";
import { unlessPeer } from "../support/runtime.js";
import { nothingLeft, workspace } from "../support/workspace.js";

const space = workspace(t);
const table = "cat /proc/self/mountinfo";

t.test("a masked file reads empty, a masked directory is empty and cannot be written", async (t) => {
	const seen = space.inside(
		(config, bundle) => {
			config.root.readonly = false;
			mkdirSync(join(bundle.rootfs, "secret/deep"), { recursive: true });
			writeFileSync(join(bundle.rootfs, "secret/deep/key"), "secret\n");
			writeFileSync(join(bundle.rootfs, "etc/key"), "secret\n");
			config.linux.maskedPaths = [
				"/secret",
				"/etc/key",
				"/proc/keys",
				"/proc/timer_list",
				"/sys/firmware",
				"/not/there",
			];
		},
		{
			directory: "ls -A /secret",
			write: "touch /secret/x",
			file: "cat /etc/key /proc/keys /proc/timer_list",
			kind: "stat -c '%F %t:%T' /etc/key",
			into: "echo x > /etc/key; cat /etc/key",
			firmware: "ls -A /sys/firmware",
			missing: "ls -d /not",
			table,
		},
	);
	t.equal(seen.directory, "");
	t.match(seen.write, /Read-only/);
	t.equal(seen.file, "");
	t.equal(seen.kind, "character special file 1:3");
	t.equal(seen.into, "", "what is written is gone");
	t.equal(seen.firmware, "");
	t.match(seen.missing, /No such file/, "a masked path that is not there is not made");
	t.equal(mountOn(seen.table, "/secret").type, "tmpfs");
});

t.test("masking keeps the image as it was", async (t) => {
	const container = space.container((config, bundle) => {
		writeFileSync(join(bundle.rootfs, "etc/key"), "secret\n");
		config.root.readonly = false;
		config.linux.maskedPaths = ["/etc/key"];
		config.process.args = ["/bin/sh", "-c", "echo overwritten > /etc/key"];
	});
	t.equal(container.run().status, 0);
	t.equal(readFileSync(join(container.bundle.rootfs, "etc/key"), "utf8"), "secret\n");
});

t.test("read-only paths", async (t) => {
	const seen = space.inside(
		(config, bundle) => {
			config.root.readonly = false;
			mkdirSync(join(bundle.rootfs, "fixed"));
			writeFileSync(join(bundle.rootfs, "fixed/file"), "fixed\n");
			writeFileSync(join(bundle.rootfs, "etc/fixed"), "fixed\n");
			config.linux.readonlyPaths = ["/proc/sys", "/proc/irq", "/fixed", "/etc/fixed", "/not/there"];
		},
		{
			table,
			sysctl: "echo x > /proc/sys/kernel/hostname",
			directory: "echo x > /fixed/file; touch /fixed/new; cat /fixed/file",
			file: "echo x > /etc/fixed; cat /etc/fixed",
			beside: "touch /etc/other && echo made",
		},
	);
	t.match(seen.sysctl, /Read-only/);
	t.match(seen.directory, /Read-only[\s\S]*Read-only[\s\S]*fixed$/);
	t.match(seen.file, /Read-only[\s\S]*fixed$/);
	t.equal(seen.beside, "made");
	for (const path of ["/proc/sys", "/proc/irq", "/fixed"]) t.ok(mountOn(seen.table, path).options.includes("ro"), path);
});

t.test(
	"a read-only path keeps the flags of the mount that it is on",
	{ skip: unlessPeer({ crun: "1.8 clears them" }) },
	async (t) => {
		const seen = space.inside(
			(config) => {
				const proc = config.mounts.find(({ destination }) => destination === "/proc");
				if (proc) proc.options = ["nosuid", "nodev", "noexec"];
			},
			{ table },
		);
		const { options } = mountOn(seen.table, "/proc/sys");
		for (const option of ["ro", "nosuid", "nodev", "noexec"]) t.ok(options.includes(option), option);
	},
);

t.test("root.readonly", async (t) => {
	const questions = { write: "touch /etc/new && echo written", dev: "touch /dev/new && echo written", table };
	const readonly = space.inside((config) => {
		config.root.readonly = true;
	}, questions);
	t.match(readonly.write, /Read-only/);
	t.equal(readonly.dev, "written", "the mounts on it are as their own options say");
	t.ok(mountOn(readonly.table, "/").options.includes("ro"));
	const writable = space.inside((config) => {
		config.root.readonly = false;
	}, questions);
	t.equal(writable.write, "written");
	const unset = space.inside((config) => {
		delete config.root.readonly;
	}, questions);
	t.equal(unset.write, "written", "false when unset");
});

t.test("root.path: relative, absolute, anywhere", async (t) => {
	const other = space.container();
	for (const path of ["rootfs", "./rootfs", other.bundle.rootfs]) {
		const seen = space.inside(
			(config) => {
				config.root.path = path;
			},
			{ ls: "ls /" },
		);
		t.match(seen.ls, /^bin\n/, path);
	}
});

nothingLeft(t, space);
