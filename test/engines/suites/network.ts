/** Networks that the engine makes. */
import type { Test } from "tap";
import type { Engine } from "../engine.js";
import { until } from "../lane.js";

export function network(t: Test, engine: Engine): void {
	const { machine } = engine;

	t.test("run --network none: nothing but a loopback device", async (t) => {
		const answers = await engine.inside(["--network", "none"], {
			devices: "ls /sys/class/net",
			loopback: "ping -c 1 -W 2 127.0.0.1 >/dev/null && echo alive",
		});
		t.equal(answers.devices, "lo");
		t.equal(answers.loopback, "alive");
	});

	t.test("run --network host: the machine's devices", async (t) => {
		const { devices } = await engine.inside(["--network", "host"], { devices: "ls /sys/class/net" });
		if (!engine.name.includes("rootless")) t.same(devices.split("\n").sort(), machine.list("/sys/class/net"));
		t.match(devices, /lo/);
	});

	t.test("bridge: a veth pair, an address, a way to the host", { skip: engine.unable.bridge ?? false }, async (t) => {
		const before = machine.list("/sys/class/net").length;
		const name = await engine.sleeping();
		t.ok(machine.list("/sys/class/net").length > before, "a device on the host");
		const address = await engine.ok("exec", name, "/bin/sh", "-c", "ip -4 addr show eth0; ip route");
		t.match(address, /inet \d+\.\d+\.\d+\.\d+\/16/);
		const gateway = /default via (\S+)/.exec(address)?.[1] ?? "none";
		await engine.ok("exec", name, "ping", "-c", "1", "-W", "2", gateway);
		await engine.remove(name);
		// With the network namespace, which the kernel takes apart afterwards.
		const veths = () => machine.list("/sys/class/net").filter((device) => device.startsWith("veth"));
		await until(() => veths().length === 0, "its device goes");
	});

	t.test("bridge: two containers reach each other", { skip: engine.unable.bridge ?? false }, async (t) => {
		const server = await engine.detached([], ["httpd", "-f", "-p", "80", "-h", "/www"]);
		const text = await engine.ok("exec", server, "/bin/sh", "-c", "ip -4 addr show eth0");
		const address = /inet (\d+\.\d+\.\d+\.\d+)/.exec(text)?.[1];
		const { page } = await engine.inside([], { page: `printf 'GET / HTTP/1.0\\r\\n\\r\\n' | nc -w 3 ${address} 80` });
		t.match(page, /served/);
		await engine.remove(server);
	});

	t.test(
		"run --publish: a port of the host is the container's",
		{ skip: engine.unable.publish ?? false },
		async (t) => {
			const server = await engine.detached(["--publish", "18080:80"], ["httpd", "-f", "-p", "80", "-h", "/www"]);
			const get = () => machine.run(["curl", "--silent", "--max-time", "3", "http://127.0.0.1:18080/"]);
			await until(async () => (await get()).stdout === "served\n", "the page is served");
			await engine.remove(server);
			t.not((await get()).status, 0);
		},
	);

	t.test("bridge: address translation on the way out", { skip: engine.unable.bridge ?? false }, async (t) => {
		// Outside is a network namespace that has no route to a container's network: it answers only the machine's address.
		await machine.sh(
			`unshare --net sh -c 'touch ${machine.directory}/outside; exec sleep 60' >/dev/null 2>&1 & echo $! >${machine.directory}/outside.pid;` +
				`until [ -e ${machine.directory}/outside ]; do sleep 0.1; done`,
		);
		const pid = machine.read(`${machine.directory}/outside.pid`).trim();
		t.teardown(() => machine.sh(`kill ${pid}; rm -f ${machine.directory}/outside`));
		await machine.sh(
			`ip link add lane0 type veth peer name lane1 netns ${pid}; ip address add 198.51.100.1/24 dev lane0; ip link set lane0 up;` +
				`nsenter -t ${pid} -n sh -c 'ip link set lo up; ip address add 198.51.100.2/24 dev lane1; ip link set lane1 up'`,
		);
		const { ping } = await engine.inside([], { ping: "ping -c 1 -W 3 198.51.100.2" });
		t.match(ping, /1 packets received/);
	});
}
