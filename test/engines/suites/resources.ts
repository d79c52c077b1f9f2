/** Limits: as set by run, as changed by update, as they bite. */
import type { Test } from "tap";
import type { Engine } from "../engine.js";
import { runtimeName, until, usesCgroupV2 } from "../lane.js";

/** A cgroup file of the container that asks. */
const file = usesCgroupV2
	? (_: string, name: string) => `/sys/fs/cgroup/${name}`
	: (controller: string, name: string) => `/sys/fs/cgroup/${controller}/${name}`;

const files = usesCgroupV2
	? {
			memory: file("", "memory.max"),
			pids: file("", "pids.max"),
			shares: file("", "cpu.weight"),
			quota: file("", "cpu.max"),
			cpus: file("", "cpuset.cpus"),
		}
	: {
			memory: file("memory", "memory.limit_in_bytes"),
			pids: file("pids", "pids.max"),
			shares: file("cpu", "cpu.shares"),
			quota: file("cpu", "cpu.cfs_quota_us"),
			cpus: file("cpuset", "cpuset.cpus"),
		};

/**
 * cpu.shares as the kernel shows them. Runtimes convert them to a weight of cgroup v2, whose default is 100 and not 1024:
 * runc and crun up to 1.3.1 and 1.23 in a line from 2..262144 to 1..10000, later ones so that 1024 is 100.
 */
const shares = (value: number) => {
	if (!usesCgroupV2) return String(value);
	const logarithm = Math.log2(value);
	const curve = Math.ceil(10 ** ((logarithm * logarithm + 125 * logarithm) / 612 - 7 / 34));
	const line = 1 + Math.trunc(((value - 2) * 9999) / 262142);
	return String(runtimeName === "runtime-ts" ? curve : line);
};
const quota = (microseconds: number) => (usesCgroupV2 ? `${microseconds} 100000` : String(microseconds));

export function resources(t: Test, engine: Engine): void {
	const skip = engine.unable.limits ?? false;
	const read = (name: string, path: string) => engine.ok("exec", name, "cat", path);

	t.test("run: limits of memory, pids, CPU", { skip }, async (t) => {
		const flags = [
			"--memory",
			"64m",
			"--pids-limit",
			"50",
			"--cpu-shares",
			"512",
			"--cpus",
			"0.5",
			"--cpuset-cpus",
			"0",
		];
		const questions = Object.fromEntries(Object.entries(files).map(([key, path]) => [key, `cat ${path}`]));
		t.same(await engine.inside(flags, questions), {
			memory: String(64 * 1024 * 1024),
			pids: "50",
			shares: shares(512),
			quota: quota(50_000),
			cpus: "0",
		});
	});

	t.test("update: memory up and down", { skip }, async (t) => {
		const name = await engine.sleeping(["--memory", "64m", "--memory-swap", "128m"]);
		for (const megabytes of [256, 32]) {
			await engine.ok("update", "--memory", `${megabytes}m`, "--memory-swap", `${2 * megabytes}m`, name);
			t.equal(await read(name, files.memory), String(megabytes * 1024 * 1024));
		}
		await engine.remove(name);
	});

	t.test("update: CPU and pids, the rest stays", { skip }, async (t) => {
		const name = await engine.sleeping(["--memory", "64m", "--cpu-shares", "512"]);
		const pids = engine.name === "docker"; // podman 4.3's update ignores --pids-limit
		await engine.ok("update", "--cpu-shares", "256", ...(pids ? ["--pids-limit", "40"] : []), name);
		t.equal(await read(name, files.shares), shares(256));
		if (pids) t.equal(await read(name, files.pids), "40");
		t.equal(await read(name, files.memory), String(64 * 1024 * 1024));
		await engine.ok("update", "--cpu-period", "100000", "--cpu-quota", "25000", name);
		t.equal(await read(name, files.quota), quota(25_000));
		t.equal(await read(name, files.shares), shares(256));
		t.equal(
			(await engine.run(["exec", name, "/bin/sh", "-c", ": >/dev/null && head -c 1 /dev/zero >/dev/null"])).status,
			0,
			"devices are as before",
		);
		await engine.remove(name);
	});

	t.test("the memory limit kills", { skip }, async (t) => {
		// The shell's own memory, so that it is the first process that the kernel ends.
		const name = await engine.detached(
			["--memory", "16m", "--memory-swap", "16m"],
			["/bin/sh", "-c", "a=xxxxxxxxxxxxxxxx; while :; do a=$a$a; done"],
		);
		t.equal(await engine.ok("wait", name), "137");
		if (!engine.unable.oomSeen) {
			await until(async () => (await engine.inspect(name, "{{.State.OOMKilled}}")) === "true", "the engine sees it");
		}
		await engine.remove(name);
	});

	t.test("the pids limit bites", { skip }, async (t) => {
		const { forks } = await engine.inside(["--pids-limit", "6"], {
			// The subshell alone fails: a pipe would need a process that may not be there any more.
			forks: "(for i in 1 2 3 4 5 6 7 8 9; do sleep 2 & done)",
		});
		t.match(forks, /can't fork/);
	});

	t.test("run --ulimit", async (t) => {
		const { limits } = await engine.inside(["--ulimit", "nofile=512:1024", "--ulimit", "nproc=300:400"], {
			limits: "cat /proc/self/limits",
		});
		t.match(limits, /^Max open files +512 +1024 /m);
		t.match(limits, /^Max processes +300 +400 /m);
	});

	t.test("run --shm-size", async (t) => {
		const { size } = await engine.inside(["--shm-size", "12m"], { size: "df -k /dev/shm | tail -n 1" });
		t.match(size, /\b12288\b/);
	});

	t.test("run --oom-score-adj", async (t) => {
		const { score } = await engine.inside(["--oom-score-adj", "300"], { score: "cat /proc/self/oom_score_adj" });
		t.equal(score, "300");
	});
}
