/** Attach and port-forward: the streams that containerd serves for the kubelet. */
import type { Test } from "tap";
import { until } from "../lane.js";
import type { Cri, Pod } from "./cri.js";
import { Stream } from "./stream.js";

export function criStreams(t: Test, cri: Cri, shared: Pod): void {
	const { machine, call, container, log, ended, remove } = cri;

	t.test("Attach: input, output, errors", async (t) => {
		const command = ["/bin/sh", "-c", "read line; echo got $line; echo wrong >&2; read line; exit 4"];
		const id = await container(shared, command, { stdin: true });
		const { url } = await call("Attach", { containerId: id, stdin: true, stdout: true, stderr: true });
		const stream = new Stream(machine, url as string);
		t.teardown(() => stream.close());
		stream.write("asked\n");
		await stream.shows(/^got asked\n$/);
		await until(() => stream.errors === "wrong\n", "its errors come apart");
		t.match(log(id), /got asked\n/, "the log has it too");
		stream.write("\n");
		t.equal((await ended(id))["exitCode"], 4);
		await remove(id);
	});

	t.test("Attach to a terminal, and resize; detach, and attach again", async (t) => {
		const id = await container(shared, ["/bin/sh"], { stdin: true, tty: true });
		const attach = async () => {
			const { url } = await call("Attach", { containerId: id, stdin: true, stdout: true, tty: true });
			const stream = new Stream(machine, url as string);
			t.teardown(() => stream.close());
			return stream;
		};
		const first = await attach();
		first.resize(44, 111);
		first.write("until [ \"$(stty size)\" = '44 111' ]; do sleep 0.1; done; A=kept; echo re''sized; tty\n");
		await first.shows(/resized\r\n\/dev\/pts\/0/);
		first.close();
		const second = await attach();
		second.write("echo $A; exit 3\n");
		await second.shows(/kept/);
		t.equal((await ended(id))["exitCode"], 3);
		await remove(id);
	});

	t.test("PortForward: into the pod's network", async (t) => {
		const id = await container(shared, ["httpd", "-f", "-p", "127.0.0.1:8081", "-h", "/www"]);
		const { url } = await call("PortForward", { sandboxId: shared.id, ports: [8081] });
		const stream = new Stream(machine, `${url}?port=8081`);
		t.teardown(() => stream.close());
		// Channel 0 is the port's data, 1 its errors; the first message of each is the port's number.
		await until(() => stream.text[0]?.length === 2 && stream.text[1]?.length === 2, "both channels are there");
		stream.write("GET / HTTP/1.0\r\n\r\n");
		await until(() => /\r\n\r\nserved\n$/.test(stream.text[0] ?? ""), "the page is served");
		t.equal(stream.text[1]?.slice(2), "", "no error");
		await remove(id);
	});
}
