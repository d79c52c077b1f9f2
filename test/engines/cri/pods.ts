/** Pods: what their containers share, and what is left of them. */
import type { Test } from "tap";
import { until } from "../lane.js";
import type { Cri } from "./cri.js";
import { namespace } from "./messages.js";
import type { Value } from "./protobuf.js";

/** Of PodSandboxState. */
const notReady = 1;

export function pods(t: Test, cri: Cri): void {
	const { machine, call, ended, exec, rejected, remove, pod, removePod, container, sleeping, security, sh, status } =
		cri;

	t.test("a pod with two containers: network, IPC and host name are shared, processes are not", async (t) => {
		const shared = await pod();
		const { status: sandbox } = (await call("PodSandboxStatus", { sandboxId: shared.id })) as { status: Value };
		t.equal(sandbox["runtimeHandler"], "lane");
		const { ip } = sandbox["network"] as { ip: string };
		t.match(ip, /^10\.88\.7\.\d+$/);
		const server = await container(shared, ["httpd", "-f", "-p", "80", "-h", "/www"]);
		const other = await sleeping(shared);
		t.match(await sh(other, "printf 'GET / HTTP/1.0\\r\\n\\r\\n' | nc -w 3 127.0.0.1 80"), /served/);
		t.equal(await machine.sh(`curl --silent --max-time 3 http://${ip}/`), "served", "from the node");
		for (const type of ["net", "ipc", "uts"]) {
			const link = `readlink /proc/self/ns/${type}`;
			t.equal(await sh(server, link), await sh(other, link), type);
		}
		t.not(await sh(server, "readlink /proc/self/ns/pid"), await sh(other, "readlink /proc/self/ns/pid"));
		t.equal(await sh(other, "hostname"), (shared.config as { hostname: string }).hostname);
		await sh(server, "echo of the pod >/dev/shm/file");
		t.equal(await sh(other, "cat /dev/shm/file"), "of the pod");
		await removePod(shared);
		t.same((await call("ListContainers"))["containers"], [], "its containers go with it");
	});

	t.test("a pod with one pid namespace", async (t) => {
		const mode = { namespaces: { pid: namespace.pod } };
		const shared = await pod(mode);
		const first = await sleeping(shared, { linux: { securityContext: mode } });
		const second = await sleeping(shared, { linux: { securityContext: mode } });
		t.match(await sh(first, "ps"), /sleep 2147483647[\s\S]*sleep 1000[\s\S]*sleep 1000/);
		await call("StopContainer", { containerId: first, timeout: 0 });
		t.equal((await status(first))["exitCode"], 137);
		t.equal(await sh(second, "echo alive"), "alive");
		await removePod(shared);
	});

	t.test("host namespaces: the pod's first process ends, nothing of it stays", async (t) => {
		// Not IPC: containerd then binds /dev/mqueue, which not every machine has.
		const mode = { namespaces: { network: namespace.node, pid: namespace.node } };
		const shared = await pod(mode, {}, { hostname: false });
		const id = await container(shared, ["/bin/sh", "-c", "setsid sleep 1003 & exec sleep 1002"], {
			linux: { securityContext: mode },
		});
		const left = () => machine.processes().filter((line) => /sleep 100[23]/.test(line));
		await until(() => left().length === 2, "both run");
		t.equal(await sh(id, "readlink /proc/self/ns/net"), await machine.sh("readlink /proc/1/ns/net"));
		await call("StopContainer", { containerId: id, timeout: 1 });
		await until(() => left().length === 0, "both are gone");
		await removePod(shared);
	});

	t.test("a privileged pod", async (t) => {
		const shared = await pod({ privileged: true });
		const id = await sleeping(shared, security({ privileged: true }));
		t.match(await sh(id, "grep CapEff /proc/1/status"), /000001f/);
		t.equal(await sh(id, "mount -t tmpfs none /tmp && echo mounted"), "mounted");
		t.ok(Number(await sh(id, "ls /dev | wc -l")) > 20);
		await removePod(shared);
	});

	t.test("the runtime handler decides: another one, none, one that is not configured", async (t) => {
		const config = { metadata: { name: "handled", uid: "handled", namespace: "lane", attempt: 0 } };
		const handled = (runtimeHandler: string) => rejected(call("RunPodSandbox", { config, runtimeHandler }));
		t.match(await handled(""), /\/no\/such\/runtime/, "the default");
		t.match(await handled("absent"), /\/no\/such\/runtime/);
		t.match(await handled("unknown"), /no runtime for "unknown" is configured/);
		t.same((await call("ListPodSandbox"))["items"], []);
	});

	t.test("ports of the node, name servers", async (t) => {
		const shared = await pod(
			{},
			{},
			{
				config: {
					ports: [{ protocol: 0, containerPort: 80, hostPort: 18088 }],
					dns: { servers: ["192.0.2.53"], searches: ["lane.example"] },
				},
			},
		);
		const id = await container(shared, ["httpd", "-f", "-p", "80", "-h", "/www"]);
		const address = (await machine.sh("ip -4 -o addr show lane0")).match(/inet (\S+)\//)?.[1];
		const page = () => machine.run(["curl", "--silent", "--max-time", "3", `http://${address}:18088/`]);
		await until(async () => (await page()).stdout === "served\n", "the page is served at the node's port");
		t.equal(await sh(id, "cat /etc/resolv.conf"), "search lane.example\nnameserver 192.0.2.53");
		await removePod(shared);
		t.not((await page()).status, 0);
	});

	t.test("a container is killed: the next attempt takes its place in the pod", async (t) => {
		const shared = await pod();
		const attempt = (number: number) =>
			container(shared, ["/bin/sh", "-c", "echo attempt; exec sleep 1000"], {
				metadata: { name: "again", attempt: number },
			});
		const first = await attempt(0);
		const net = await sh(first, "readlink /proc/self/ns/net");
		const { info } = (await call("ContainerStatus", { containerId: first, verbose: true })) as {
			info: { info: string };
		};
		const { pid } = JSON.parse(info.info) as { pid: number };
		await machine.sh(`kill -KILL ${pid}`);
		t.equal((await ended(first))["exitCode"], 137);
		t.match(await rejected(exec(first, "true")), /not running|exited/i);
		const second = await attempt(1);
		t.equal(await sh(second, "readlink /proc/self/ns/net"), net);
		await remove(first);
		t.equal(await sh(second, "echo alive"), "alive", "the first one's removal does not touch it");
		await removePod(shared);
	});

	t.test("the sandbox's process is killed: the pod is not ready, and can be removed", async (t) => {
		const shared = await pod();
		const id = await sleeping(shared);
		await machine.sh("kill -KILL $(pgrep -x -f '/bin/sleep 2147483647')");
		const state = async () => ((await call("PodSandboxStatus", { sandboxId: shared.id })) as { status: Value }).status;
		await until(async () => (await state())["state"] === notReady, "it is not ready");
		t.equal(await sh(id, "echo alive"), "alive", "its containers go on");
		await removePod(shared);
	});

	t.test("a container in the pid namespace of another one, as a debugger", async (t) => {
		const shared = await pod();
		const target = await container(shared, ["/bin/sleep", "1005"]);
		const mode = { namespaces: { pid: namespace.target, targetId: target } };
		const debug = await sleeping(shared, { linux: { securityContext: mode } });
		t.equal(await sh(debug, "readlink /proc/self/ns/pid"), await sh(target, "readlink /proc/self/ns/pid"));
		t.match(await sh(debug, "ps"), /sleep 1005/);
		await call("StopContainer", { containerId: debug, timeout: 0 });
		t.equal(await sh(target, "echo alive"), "alive");
		await removePod(shared);
	});
}
