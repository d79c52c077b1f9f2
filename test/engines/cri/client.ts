/** A gRPC client for one service, over HTTP/2 on a Unix socket: https://grpc.io, PROTOCOL-HTTP2.md */
import { type ClientHttp2Session, connect } from "node:http2";
import { createConnection } from "node:net";
import { type Method, methods } from "./messages.js";
import { decode, encode, type Value } from "./protobuf.js";

export class CriError extends Error {
	constructor(
		readonly status: number,
		message: string,
	) {
		super(message);
	}
}

export class CriClient {
	readonly #session: ClientHttp2Session;
	#failure: Error | undefined;

	constructor(socket: string) {
		this.#session = connect("http://localhost", { createConnection: () => createConnection(socket) });
		this.#session.on("error", (error) => {
			this.#failure = error;
		});
	}

	call(method: Method, request: Value = {}): Promise<Value> {
		const [question, answer] = methods[method];
		if (this.#failure) return Promise.reject(this.#failure);
		return new Promise((resolve, reject) => {
			const stream = this.#session.request({
				":method": "POST",
				":path": `/runtime.v1.RuntimeService/${method}`,
				"content-type": "application/grpc",
				te: "trailers",
			});
			let data = Buffer.alloc(0);
			let trailers: Record<string, unknown> = {};
			stream.on("data", (chunk: Buffer) => {
				data = Buffer.concat([data, chunk]);
			});
			// An error without a message comes with the headers.
			stream.on("response", (headers) => Object.assign(trailers, headers));
			stream.on("trailers", (headers) => {
				trailers = { ...trailers, ...headers };
			});
			stream.on("error", reject);
			stream.on("close", () => {
				const status = Number(trailers["grpc-status"] ?? -1);
				if (status === 0) resolve(decode(answer, data.subarray(5)));
				else reject(new CriError(status, `${method}: ${decodeURIComponent(String(trailers["grpc-message"] ?? ""))}`));
			});
			stream.setTimeout(60_000, () => stream.close());
			const body = encode(question, request);
			// Not compressed, and the length.
			const head = Buffer.alloc(5);
			head.writeUInt32BE(body.length, 1);
			stream.end(Buffer.concat([head, body]));
		});
	}

	close(): void {
		this.#session.destroy();
	}
}
