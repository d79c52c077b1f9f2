/** Limits and statistics. */
import type { Test } from "tap";
import { until, usesCgroupV2 } from "../lane.js";
import type { Cri, Pod } from "./cri.js";
import type { Value } from "./protobuf.js";

interface SandboxStats {
	attributes: { id: string };
	linux: {
		cpu: { nanoseconds: { value: number } };
		memory: { workingSet: { value: number } };
		process: { count: { value: number } };
	};
}

export function criResources(t: Test, cri: Cri, shared: Pod): void {
	const { machine, call, container, sleeping, sh, ended, remove } = cri;

	t.test("ContainerStats, ListContainerStats, PodSandboxStats, ListPodSandboxStats", async (t) => {
		const busy = "i=0; while [ $i -lt 20000 ]; do i=$((i+1)); done; exec sleep 1000";
		const id = await container(shared, ["/bin/sh", "-c", busy]);
		const stats = async () =>
			((await call("ContainerStats", { containerId: id }))["stats"] ?? {}) as { [key: string]: Value };
		const used = async (what: string, unit: string) => Number(((await stats())[what]?.[unit] as Value)?.["value"]);
		await until(async () => (await used("cpu", "nanoseconds")) > 0, "it used CPU time");
		t.ok((await used("memory", "workingSet")) > 0);
		const all = (await call("ListContainerStats"))["stats"] as { attributes: Value }[];
		t.same(
			all.map(({ attributes }) => attributes["id"]),
			[id],
		);
		const pod = (await call("PodSandboxStats", { sandboxId: shared.id }))["stats"] as SandboxStats;
		t.equal(pod.attributes.id, shared.id);
		t.ok(pod.linux.cpu.nanoseconds.value > 0);
		t.ok(pod.linux.memory.workingSet.value > 0);
		t.ok(pod.linux.process.count.value > 0);
		const pods = (await call("ListPodSandboxStats"))["stats"] as SandboxStats[];
		t.same(
			pods.map(({ attributes }) => attributes.id),
			[shared.id],
		);
		await remove(id);
	});

	t.test("limits from the start: shares, cpuset, oom_score_adj", async (t) => {
		const id = await sleeping(shared, {
			linux: { resources: { cpuShares: 512, cpusetCpus: "0", oomScoreAdj: 300 } },
		});
		t.equal(await sh(id, "cat /proc/1/oom_score_adj"), "300");
		t.match(await sh(id, "grep ^Cpus_allowed_list: /proc/1/status"), /\t0$/);
		const file = usesCgroupV2 ? "/sys/fs/cgroup/cpu.weight" : "/sys/fs/cgroup/cpu/cpu.shares";
		// As the kernel has it: runtimes convert shares to the weight of cgroup v2.
		t.equal(await sh(id, `cat ${file}`), usesCgroupV2 ? "20" : "512");
		await remove(id);
	});

	t.test("UpdateContainerResources: memory and CPU, up and down", async (t) => {
		const id = await sleeping(shared, {
			linux: { resources: { memoryLimit: 64 << 20, cpuShares: 512, cpuQuota: 50_000, cpuPeriod: 100_000 } },
		});
		// The files of the node: a container of the CRI sees its own too, but where differs.
		const { info } = (await call("ContainerStatus", { containerId: id, verbose: true })) as { info: { info: string } };
		const { pid } = JSON.parse(info.info) as { pid: number };
		const file = (controller: string, v1: string, v2: string) => {
			const lines = machine.read(`/proc/${pid}/cgroup`).split("\n");
			const line = lines.find((line) => (usesCgroupV2 ? line.startsWith("0::") : line.split(":")[1] === controller));
			// Read from outside, it begins at the host's root.
			const path = (line?.split(":")[2] ?? "").replace(`/${machine.token}`, "") + (usesCgroupV2 ? `/${v2}` : `/${v1}`);
			return machine.read(`/sys/fs/cgroup/${usesCgroupV2 ? "" : controller}${path}`).trim();
		};
		const memory = () => file("memory", "memory.limit_in_bytes", "memory.max");
		const quota = () => file("cpu", "cpu.cfs_quota_us", "cpu.max");
		t.equal(memory(), String(64 << 20));
		t.equal(quota(), usesCgroupV2 ? "50000 100000" : "50000");
		for (const megabytes of [128, 32]) {
			await call("UpdateContainerResources", { containerId: id, linux: { memoryLimit: megabytes << 20 } });
			t.equal(memory(), String(megabytes << 20));
		}
		await call("UpdateContainerResources", {
			containerId: id,
			linux: { cpuQuota: 25_000, cpuPeriod: 100_000, cpuShares: 256 },
		});
		t.equal(quota(), usesCgroupV2 ? "25000 100000" : "25000");
		if (!usesCgroupV2) t.equal(file("cpu", "cpu.shares", ""), "256");
		t.equal(memory(), String(32 << 20), "the rest stays");
		t.equal(await sh(id, "head -c 1 /dev/zero | wc -c"), "1", "devices are as before");
		await remove(id);
	});

	t.test("the memory limit kills, and the status tells", async (t) => {
		const command = ["/bin/sh", "-c", "sleep 1; a=xxxxxxxxxxxxxxxx; while :; do a=$a$a; done"];
		const id = await container(shared, command, { linux: { resources: { memoryLimit: 16 << 20 } } });
		const { reason, exitCode } = await ended(id);
		t.same({ reason, exitCode }, { reason: "OOMKilled", exitCode: 137 });
		await remove(id);
	});
}
