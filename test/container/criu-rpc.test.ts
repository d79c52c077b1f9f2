/** The messages of criu's RPC, byte by byte where protobuf says what they are. */
import t from "tap";
import { Reader, Writer } from "../../src/container/criu/protobuf.js";
import { type CriuOptions, decodeAnswer, encodeOptions, encodeRequest } from "../../src/container/criu/rpc.js";

t.test("varints, texts and messages as protobuf writes them", async (t) => {
	const inner = new Writer().add(1, 150).add(2, "testing");
	// The examples of the encoding's documentation: 08 96 01, 12 07 testing.
	const bytes = [0x08, 0x96, 0x01, 0x12, 0x07, ...Buffer.from("testing")];
	t.same([...inner.finish()], bytes);
	t.same([...new Writer().add(3, inner).finish()], [0x1a, bytes.length, ...bytes]);
	t.same([...new Writer().add(1, undefined).add(2, false).add(63, true).finish()], [0x10, 0, 0xf8, 0x03, 1]);
	t.same([...new Writer().add(38, 0x40000000).finish()], [0xb0, 0x02, 0x80, 0x80, 0x80, 0x80, 0x04]);
	t.same([...new Writer().add(1, "ü").finish()], [0x0a, 2, 0xc3, 0xbc]);
});

t.test("what was written is read; what is no message is an error", async (t) => {
	const reader = new Reader(new Writer().add(1, 300).add(2, "ö").add(5, new Writer().add(2, 7)).finish());
	t.equal(reader.number(1), 300);
	t.equal(reader.text(2), "ö");
	t.equal(reader.message(5)?.number(2), 7);
	t.equal(reader.number(9), undefined);
	// Fixed-size fields are skipped.
	t.equal(new Reader(Uint8Array.from([0x09, 1, 2, 3, 4, 5, 6, 7, 8, 0x15, 1, 2, 3, 4, 0x18, 5])).number(3), 5);
	for (const bytes of [[0x08], [0x08, 0x80], [0x12, 5, 1], [0x0b], [0x09, 1]])
		t.throws(() => new Reader(Uint8Array.from(bytes)), RangeError, String(bytes));
});

const options: CriuOptions = {
	imagesDirectory: 7,
	root: "/r",
	logFile: "dump.log",
	externalUnixSockets: false,
	tcpEstablished: true,
	shellJob: false,
	fileLocks: false,
	autoDedup: false,
	lazyPages: false,
	emptyNamespaces: 0x40000000,
	cgroupMode: "soft",
	externalMounts: [{ key: "/data", value: "/srv/data" }],
	externals: ["file[1a:4]"],
	inherited: [{ key: "pipe:[9]", fd: 1 }],
	joined: [{ type: "ipc", path: "/proc/1/ns/ipc" }],
	restoring: false,
};

t.test("options have criu's field numbers; what only restore has is not there for a dump", async (t) => {
	const dump = new Reader(encodeOptions({ ...options, pid: 12, parentImages: "../before" }).finish());
	t.equal(dump.number(1), 7);
	t.equal(dump.number(2), 12);
	t.equal(dump.number(5), 1);
	t.equal(dump.text(13), "/r");
	t.equal(dump.text(14), "../before");
	t.equal(dump.number(15), 1, "memory is tracked against the parent");
	t.equal(dump.number(34), 3);
	t.equal(dump.text(37), "file[1a:4]");
	t.equal(dump.message(23)?.text(1), "/data");
	t.equal(dump.message(23)?.text(2), "/srv/data");
	t.equal(dump.message(27)?.number(2), 1);
	t.equal(dump.message(39)?.text(1), "ipc");
	for (const field of [6, 26, 64, 65]) t.equal(dump.number(field), undefined, String(field));
	const locks = { iptables: 1, nftables: 2, skip: 3 } as const;
	for (const networkLock of ["iptables", "nftables", "skip"] as const)
		t.equal(new Reader(encodeOptions({ ...options, networkLock }).finish()).number(64), locks[networkLock]);
	const restore = new Reader(
		encodeOptions({ ...options, restoring: true, cgroupRoots: [{ controller: "", path: "/c1" }] }).finish(),
	);
	for (const field of [6, 26, 65]) t.equal(restore.number(field), 1, String(field));
	t.equal(restore.message(25)?.text(2), "/c1");
	t.equal(restore.number(15), undefined);
});

t.test("requests and answers", async (t) => {
	t.same([...encodeRequest("VERSION")], [0x08, 10]);
	t.same([...encodeRequest("NOTIFY", { notifySuccess: true })], [0x08, 6, 0x18, 1]);
	t.same([...encodeRequest("FEATURE_CHECK", { features: { lazyPages: true } })], [0x08, 9, 0x2a, 2, 0x10, 1]);
	const version = new Writer().add(1, 3).add(2, 17).add(4, 1);
	t.equal(decodeAnswer(new Writer().add(1, 10).add(2, true).add(10, version).finish()).version, 31_701);
	const failure = decodeAnswer(new Writer().add(1, 1).add(2, false).add(7, 17).add(9, "why").finish());
	t.match(failure, { type: 1, success: false, errno: 17, message: "why" });
	const notify = new Writer().add(1, "post-restore").add(2, 4711);
	t.match(decodeAnswer(new Writer().add(1, 6).add(2, true).add(5, notify).finish()), {
		notify: { script: "post-restore", pid: 4711 },
	});
});
