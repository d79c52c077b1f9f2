/** docs/how-a-container-starts.md shows lines that `explain` prints, and names steps and files that there are. */
import { existsSync, readFileSync } from "node:fs";
import t from "tap";
import { FakeNative } from "../../src/native/fake.js";
import { hostStep, initStep } from "../../src/plan/schema.js";
import { drive } from "../cli/drive.js";

const repository = new URL("../..", import.meta.url).pathname;
const page = readFileSync(`${repository}docs/how-a-container-starts.md`, "utf8");

/** The host of the page: cgroup v2, one bundle. */
async function explained(): Promise<string> {
	const native = new FakeNative(
		{
			"/proc/self/mountinfo":
				"25 1 0:23 / /sys rw - sysfs sysfs rw\n30 25 0:26 / /sys/fs/cgroup rw - cgroup2 cgroup2 rw\n",
			"/proc/self/status": "Name:\tx\nCapBnd:\t000001ffffffffff\n",
			"/srv/hello/rootfs/bin/sh": "",
		},
		"/srv",
	);
	native.messages = [];
	await drive(native, "spec", "--bundle", "/srv/hello");
	const config = JSON.parse(native.files.read("/srv/hello/config.json"));
	config.linux.resources.memory = { limit: 268435456 };
	const syscalls = [{ names: ["mount"], action: "SCMP_ACT_ERRNO" }];
	config.linux.seccomp = { defaultAction: "SCMP_ACT_ALLOW", syscalls };
	native.files.put("/srv/hello/config.json", JSON.stringify(config));
	const { status, stdout } = await drive(native, "explain", "--bundle", "/srv/hello");
	if (status !== 0) throw new Error("explain failed");
	return stdout;
}

const squeezed = (line: string) => line.trim().replaceAll(/ +/g, " ");
const shown = page.split("\n").filter((line) => line.startsWith("    "));

t.test("its lines are lines of explain, in order", async (t) => {
	const lines = (await explained()).split("\n").map(squeezed);
	const numbered = shown.filter((line) => /^ {4} ?\d+ {2}[a-z]/.test(line) || line.startsWith(" ".repeat(30)));
	t.ok(numbered.length > 35, `${numbered.length} lines`);
	let last = -1;
	for (const line of numbered) {
		const place = lines.indexOf(squeezed(line), last + 1);
		t.ok(place > last, line);
		last = place;
	}
	// Nothing but like ones is left out.
	const ops = (list: readonly string[]) => new Set(list.flatMap((line) => /^\d+ (\S+)/.exec(line)?.[1] ?? []));
	t.same([...ops(numbered.map(squeezed))], [...ops(lines)]);
	const first = lines.findIndex((line) => line.startsWith("1 "));
	t.equal(lines.indexOf(squeezed(numbered[0] ?? "")), first);
});

t.test("what it names exists", async (t) => {
	const steps: string[] = [...initStep.options, ...hostStep.options].map(({ shape }) => shape.op.value);
	const named = [...page.matchAll(/`([a-z]+\.[a-zA-Z]+)`/g)].flatMap(([, name = ""]) =>
		/\.(?:json|md|ts|cc)$/.test(name) ? [] : [name],
	);
	t.ok(named.length > 2);
	for (const name of named) t.ok(steps.includes(name), name);
	const files = [...page.matchAll(/`((?:src|addon)\/[\w./-]+)`/g)].map(([, file = ""]) => file);
	t.ok(files.length > 8);
	for (const file of files) t.ok(existsSync(repository + file), file);
});
