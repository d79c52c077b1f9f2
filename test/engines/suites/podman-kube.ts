/** Podman plays Kubernetes' YAML, and writes it. */
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { Test } from "tap";
import { type Engine, image } from "../engine.js";
import { until, usesCgroupV2 } from "../lane.js";

export function podmanKube(t: Test, engine: Engine): void {
	const { machine, shared } = engine;
	const directory = join(shared, "kube");
	mkdirSync(directory);
	writeFileSync(join(directory, "file"), "of the host\n", { mode: 0o644 });
	const limits = engine.unable.limits ? {} : { resources: { limits: { memory: "64Mi" } } };
	const pod = {
		apiVersion: "v1",
		kind: "Pod",
		metadata: { name: "kubed" },
		spec: {
			hostname: "of-kube",
			restartPolicy: "Never",
			containers: [
				{
					name: "web",
					image,
					imagePullPolicy: "Never",
					command: ["httpd", "-f", "-p", "8080", "-h", "/www"],
				},
				{
					name: "other",
					image,
					imagePullPolicy: "Never",
					command: ["/bin/sleep", "1000"],
					workingDir: "/etc",
					env: [{ name: "FROM", value: "kube" }],
					...limits,
					securityContext: {
						runAsUser: 1000,
						readOnlyRootFilesystem: true,
						capabilities: { drop: ["ALL"] },
					},
					volumeMounts: [
						{ name: "host", mountPath: "/host", readOnly: true },
						{ name: "scratch", mountPath: "/scratch" },
					],
				},
			],
			volumes: [
				{ name: "host", hostPath: { path: directory, type: "Directory" } },
				{ name: "scratch", persistentVolumeClaim: { claimName: "kubed-scratch" } },
			],
		},
	};
	// `kube play` takes no notice of what containers.conf says of networks.
	const network = engine.unable.publish ? ["--network", "none"] : [];
	// JSON is YAML.
	const file = join(shared, "kubed.yaml");
	writeFileSync(file, JSON.stringify(pod));

	t.test("kube play, kube generate, kube down", async (t) => {
		await engine.ok("kube", "play", ...network, file);
		t.teardown(() => engine.run(["kube", "down", file]));
		const sh = (script: string) => engine.ok("exec", "kubed-other", "/bin/sh", "-c", `{ ${script}; } 2>&1`);
		t.equal(await sh("echo $FROM; pwd; id -u; hostname"), "kube\n/etc\n1000\nof-kube");
		t.match(await sh("cat /proc/1/status"), /^CapEff:\t0+$/m);
		t.match(await sh("touch /etc/no || true"), /Read-only file system/);
		t.match(await sh("cat /host/file; touch /host/no || true"), /^of the host\n.*Read-only file system/);
		t.match(await sh("grep ' /scratch ' /proc/self/mountinfo"), /kubed-scratch/);
		const page = "printf 'GET / HTTP/1.0\\r\\n\\r\\n' | nc -w 3 127.0.0.1 8080";
		await until(async () => /served/.test(await sh(`${page} || true`)), "the other container of the pod serves");
		if (!engine.unable.limits) {
			const path = usesCgroupV2 ? "/sys/fs/cgroup/memory.max" : "/sys/fs/cgroup/memory/memory.limit_in_bytes";
			t.equal(await sh(`cat ${path}`), String(64 << 20));
		}
		const yaml = await engine.ok("kube", "generate", "kubed");
		t.match(yaml, /readOnlyRootFilesystem: true/);
		await engine.ok("kube", "down", file);
		t.not((await engine.run(["pod", "exists", "kubed"])).status, 0);
		await engine.ok("volume", "rm", "kubed-scratch");
		const again = join(shared, "generated.yaml");
		writeFileSync(again, yaml);
		await engine.ok("kube", "play", ...network, again);
		// Podman puts the pod's name in front of the containers' once more.
		const names = await engine.ok("ps", "--format", "{{.Names}}");
		const other = /^kubed\S*-other$/m.exec(names)?.[0] ?? names;
		const answer = await engine.ok("exec", other, "/bin/sh", "-c", "echo $FROM; id -u");
		t.equal(answer, "kube\n1000", "what it wrote, it plays");
		await engine.ok("kube", "down", again);
		await engine.ok("volume", "rm", "kubed-scratch");
		// Its bridge goes with it.
		if (network.length === 0) await engine.ok("network", "rm", "podman-default-kube-network");
	});

	t.test("pod stop, start, restart, pause, top", async (t) => {
		const infra = ["--infra-image", "docker.io/library/lane-pause:1"];
		await engine.ok("pod", "create", "--name", "podded", ...infra);
		t.teardown(() => engine.ok("pod", "rm", "--force", "--time", "0", "podded"));
		const name = await engine.detached(["--pod", "podded"], ["/bin/sh", "-c", "echo started; exec sleep 1007"]);
		const status = () => engine.inspect(name, "{{.State.Status}}");
		await engine.ok("pod", "stop", "--time", "0", "podded");
		t.equal(await status(), "exited");
		await engine.ok("pod", "start", "podded");
		t.equal(await status(), "running");
		if (!engine.unable.pause) {
			await engine.ok("pod", "pause", "podded");
			t.equal(await status(), "paused");
			await engine.ok("pod", "unpause", "podded");
			t.equal(await status(), "running");
		}
		t.match(await engine.ok("pod", "top", "podded"), /sleep 1007/);
		await engine.ok("pod", "kill", "podded");
		await until(async () => (await status()) === "exited", "it is killed");
		t.equal(machine.processes().filter((line) => /sleep 1007/.test(line)).length, 0);
	});
}
