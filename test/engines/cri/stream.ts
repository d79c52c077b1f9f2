/**
 * What the kubelet's `exec -it`, `attach` and `port-forward` are: a WebSocket with channels (v4.channel.k8s.io) to the streaming server of
 * the CRI. The server listens in the machine's network, so a program in the machine carries the bytes.
 */
import type { ChildProcess } from "node:child_process";
import { until } from "../lane.js";
import type { Machine } from "../machine.js";

/** First byte of each message. */
const channel = { stdin: 0, stdout: 1, stderr: 2, error: 3, resize: 4 };

export class Stream {
	readonly #carrier: ChildProcess;
	#received = Buffer.alloc(0);
	#upgraded = false;
	/** What came on each channel. */
	readonly text: Record<number, string> = {};

	constructor(machine: Machine, url: string) {
		const { hostname, port, pathname, search } = new URL(url);
		this.#carrier = machine.spawn(["/bin/busybox", "nc", hostname, port]);
		this.#carrier.stdout?.on("data", (data: Buffer) => this.#take(data));
		this.#carrier.stdin?.on("error", () => {}); // the server may close first
		const head = [
			`GET ${pathname}${search} HTTP/1.1`,
			`Host: ${hostname}`,
			"Upgrade: websocket",
			"Connection: Upgrade",
			"Sec-WebSocket-Version: 13",
			"Sec-WebSocket-Key: bGFuZSBvZiB0aGUgQ1JJIQ==",
			"Sec-WebSocket-Protocol: v4.channel.k8s.io",
		];
		this.#carrier.stdin?.write(`${head.join("\r\n")}\r\n\r\n`);
	}

	get output(): string {
		return this.text[channel.stdout] ?? "";
	}

	get errors(): string {
		return this.text[channel.stderr] ?? "";
	}

	async shows(pattern: RegExp): Promise<void> {
		await until(() => pattern.test(this.output), `the stream shows ${pattern}`).catch((error: Error) => {
			throw new Error(`${error.message}; it shows ${JSON.stringify(this.text)}`);
		});
	}

	/** The status that the server closes with: metav1.Status. */
	async ended(): Promise<{ status: string; details?: { causes: { reason: string; message: string }[] } }> {
		await until(() => this.text[channel.error] !== undefined, "the stream ends");
		return JSON.parse(this.text[channel.error] ?? "");
	}

	write(text: string): void {
		this.#send(channel.stdin, text);
	}

	resize(rows: number, columns: number): void {
		this.#send(channel.resize, JSON.stringify({ Width: columns, Height: rows }));
	}

	close(): void {
		this.#carrier.stdin?.end();
		this.#carrier.kill("SIGKILL");
	}

	/** One frame, binary and final (RFC 6455); a client masks, here with zeros. */
	#send(which: number, text: string): void {
		const payload = Buffer.concat([Buffer.from([which]), Buffer.from(text)]);
		if (payload.length > 125) throw new Error("a longer frame has a longer head");
		this.#carrier.stdin?.write(Buffer.concat([Buffer.from([0x82, 0x80 | payload.length, 0, 0, 0, 0]), payload]));
	}

	#take(data: Buffer): void {
		this.#received = Buffer.concat([this.#received, data]);
		if (!this.#upgraded) {
			const end = this.#received.indexOf("\r\n\r\n");
			if (end < 0) return;
			const status = this.#received.subarray(0, end).toString();
			if (!status.startsWith("HTTP/1.1 101 ")) throw new Error(`the streaming server: ${status}`);
			this.#received = this.#received.subarray(end + 4);
			this.#upgraded = true;
		}
		for (;;) {
			const [first = 0, second = 0] = this.#received;
			const short = second & 0x7f;
			if (this.#received.length < 4) return;
			const head = short === 126 ? 4 : 2;
			const length = short === 126 ? this.#received.readUInt16BE(2) : short;
			if (this.#received.length < head + length) return;
			const payload = this.#received.subarray(head, head + length);
			this.#received = this.#received.subarray(head + length);
			// Text and binary; the rest, ping and close, is between the two ends.
			const which = payload[0];
			if ((first & 0x0f) > 2 || which === undefined) continue;
			this.text[which] = (this.text[which] ?? "") + payload.subarray(1).toString();
		}
	}
}
