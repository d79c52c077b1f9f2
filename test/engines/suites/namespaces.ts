/** Which namespaces a container has of its own, and which it shares. */
import { readlinkSync } from "node:fs";
import type { Test } from "tap";
import type { Engine } from "../engine.js";
import { until } from "../lane.js";

export function namespaces(t: Test, engine: Engine): void {
	const links = "for type in pid net ipc uts mnt cgroup user; do readlink /proc/self/ns/$type; done";
	const of = async (...flags: string[]): Promise<Record<string, string>> => {
		const { lines } = await engine.inside(flags, { lines: links });
		return Object.fromEntries(lines.split("\n").map((line) => [line.split(":")[0], line]));
	};
	/** Of the engine's own processes: its first process, or the user namespace of an ordinary user. */
	const host = (type: string) => readlinkSync(`/proc/${engine.machine.pid}/ns/${type}`);

	t.test("namespaces: its own ones by default", async (t) => {
		const own = await of();
		for (const type of ["pid", "net", "ipc", "uts", "mnt"]) t.not(own[type], host(type), type);
	});

	for (const [type, flag] of [
		["pid", "--pid"],
		["net", "--network"],
		["ipc", "--ipc"],
		["uts", "--uts"],
	] as const) {
		t.test(`run ${flag} host`, { skip: type === "ipc" && (engine.unable.hostIpc ?? false) }, async (t) => {
			t.equal((await of(flag, "host"))[type], host(type));
		});
	}

	t.test("run --pid, --network, --ipc container:NAME", async (t) => {
		const name = await engine.sleeping(["--ipc", "shareable"]);
		const other = await engine.ok("exec", name, "/bin/sh", "-c", links);
		for (const [type, flag] of [
			["pid", "--pid"],
			["net", "--network"],
			["ipc", "--ipc"],
		] as const) {
			const joined = (await of(flag, `container:${name}`))[type] ?? "none";
			t.ok(other.includes(joined), `${flag}: ${joined}`);
		}
		await engine.remove(name);
	});

	t.test("run --cgroupns private and host", async (t) => {
		t.not((await of("--cgroupns", "private")).cgroup, host("cgroup"));
		const { paths } = await engine.inside(["--cgroupns", "private"], {
			paths: "cut -d: -f3 /proc/self/cgroup | sort -u",
		});
		t.equal(paths, "/");
		t.equal((await of("--cgroupns", "host")).cgroup, host("cgroup"));
	});

	const skip = engine.unable.limits ? `its cgroup would tell which, but ${engine.unable.limits}` : false;
	t.test("a container without a pid namespace of its own: all of its processes end with it", { skip }, async (t) => {
		const name = await engine.detached(["--pid", "host"], ["/bin/sh", "-c", "setsid sleep 1003 & exec sleep 1002"]);
		const left = () => engine.machine.processes().filter((line) => /sleep 100[23]/.test(line));
		await until(() => left().length === 2, "both run");
		await engine.ok("kill", name);
		await engine.ok("wait", name);
		await engine.remove(name);
		t.same(left(), []);
	});
}
