/** checkpoint and restore of memory: in two steps, without pages that are there twice, over a socket, when it is used. */
import { spawn } from "node:child_process";
import { mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import t from "tap";
import { checkpoint, logEnd, withoutCriu } from "../support/criu.js";
import { type Holding, Lives } from "../support/lives.js";
import { finished } from "../support/runtime.js";
import { eventually, nothingLeft, workspace } from "../support/workspace.js";

const space = workspace(t);
const lives = new Lives(space);
const skip = withoutCriu;
const mebibytes = 16;
const right = new RegExp(`^${mebibytes * 256} pages, 0 wrong\\nend 0$`, "m");
let port = 27_000;

/** Blocks of the page images, in bytes. */
function pages(images: string): number {
	const files = readdirSync(images).filter((name) => /^pages-\d+\.img$/.test(name));
	return files.reduce((sum, name) => sum + statSync(join(images, name)).blocks * 512, 0);
}

const memory = () => lives.holding("memory", [String(mebibytes)], undefined, "filled");

/** Half of the pages get another content. */
async function rewrite(life: Holding): Promise<void> {
	writeFileSync(join(life.shared, "go.1"), "");
	await life.printed("ready");
}

t.test("--pre-dump and --parent-path: the second part has what has changed", { skip }, async (t) => {
	for (const dedup of [[], ["--auto-dedup"]]) {
		const life = await memory();
		const { container } = life;
		const images = lives.images();
		const [first, second] = [join(images, "first"), join(images, "second")];
		const before = checkpoint(container, first, "--pre-dump");
		t.equal(before.status, 0, before.stderr + logEnd(first, "dump.log"));
		t.equal(container.state().status, "running");
		const whole = pages(first);
		t.ok(whole > mebibytes * 2 ** 20, `${whole} bytes`);
		await rewrite(life);
		const after = checkpoint(container, second, "--parent-path", "../first", ...dedup);
		t.equal(after.status, 0, after.stderr + logEnd(second, "dump.log"));
		const changed = pages(second);
		t.ok(changed > mebibytes * 2 ** 19 && changed < mebibytes * 2 ** 19 * 1.5, `${changed} bytes`);
		const left = pages(first);
		if (dedup.length > 0) t.ok(left < mebibytes * 2 ** 19 * 1.5, `the first images have ${left} bytes left`);
		else t.equal(left, whole);
		t.match(await life.go(await lives.back(container, second)), right);
		t.equal(container.delete("--force").status, 0);
	}
});

t.test("restore --auto-dedup: images lose what is in memory again", { skip }, async (t) => {
	const life = await memory();
	const images = lives.save(life.container);
	const before = pages(images);
	const after = await lives.back(life.container, images, "--auto-dedup");
	t.ok(pages(images) < before / 4, `${pages(images)} of ${before} bytes`);
	t.match(await life.go(after), right);
	t.equal(life.container.delete("--force").status, 0);
});

t.test("--page-server: memory goes to another criu", { skip }, async (t) => {
	const life = await memory();
	const images = lives.images();
	mkdirSync(images);
	const address = `127.0.0.1:${++port}`;
	const server = [
		"page-server",
		"--images-dir",
		images,
		"--address",
		"127.0.0.1",
		"--port",
		String(port),
		"-o",
		"ps.log",
	];
	const criu = spawn("criu", server, { stdio: "ignore" });
	t.teardown(() => criu.kill("SIGKILL"));
	await eventually(() => listens(port), "the page server listens");
	const here = lives.save(life.container, "--page-server", address);
	t.equal(await finished(criu), 0);
	t.equal(pages(here), 0, "no memory in the images of the checkpoint");
	t.ok(pages(images) > mebibytes * 2 ** 20);
	for (const name of readdirSync(here)) writeFileSync(join(images, name), readFileSync(join(here, name)));
	t.match(await life.go(await lives.back(life.container, images)), right);
	t.equal(life.container.delete("--force").status, 0);
});

t.test("--lazy-pages: memory is fetched from where it was when it is used", { skip }, async (t) => {
	const life = await memory();
	const { container } = life;
	const { runtime } = container;
	const images = lives.images();
	const address = `127.0.0.1:${++port}`;
	const options = ["--image-path", images, "--lazy-pages", "--page-server", address, "--status-fd", "3"];
	const saving = runtime.spawn(["checkpoint", ...options, container.id], {
		stdio: ["ignore", "ignore", "pipe", "pipe"],
	});
	t.teardown(() => saving.kill("SIGKILL"));
	let [told, errors] = ["", ""];
	saving.stdio[3]?.on("data", (data: Buffer) => {
		told += data.toString("hex");
	});
	saving.stderr?.on("data", (data: Buffer) => {
		errors += data;
	});
	await eventually(() => told !== "" || saving.exitCode !== null, "it is told that memory can be fetched");
	t.equal(told, "00", `${errors}${logEnd(images, "dump.log")}`);
	t.ok(pages(images) < mebibytes * 2 ** 20, "not in the images");
	const fetching = [
		"lazy-pages",
		"--images-dir",
		images,
		"--page-server",
		"--address",
		"127.0.0.1",
		"--port",
		String(port),
	];
	const daemon = spawn("criu", [...fetching, "-o", "lazy.log"], { stdio: "ignore" });
	t.teardown(() => daemon.kill("SIGKILL"));
	await eventually(() => readdirSync(images).includes("lazy-pages.socket"), "the daemon is there");

	// Its other self, as on another machine: the first one is there until all memory is fetched.
	const other = space.container((config) => {
		const { linux, root: _own, ...same } = container.bundle.config;
		Object.assign(config, { ...same, root: { path: container.bundle.rootfs } });
		config.linux = { ...linux, cgroupsPath: `/${space.token}-lazy` };
	});
	const after = await lives.back(other, images, "--lazy-pages");
	t.match(await life.go(after), right);
	t.equal(await finished(daemon), 0);
	t.equal(await finished(saving), 0, errors);
	t.match(runtime.command(["state", container.id]).error, /does not exist/);
	t.equal(other.delete("--force").status, 0);
});

t.test("--lazy-pages without a daemon is an error", { skip }, async (t) => {
	const life = await memory();
	const images = lives.save(life.container);
	const result = await lives.fails(life.container, images, "--lazy-pages");
	t.equal(result.status, 1);
	t.match(result.stderr, /criu lazy-pages/, "what to do");
});

function listens(port: number): boolean {
	const text = readFileSync("/proc/net/tcp", "utf8");
	return text.includes(`:${port.toString(16).toUpperCase().padStart(4, "0")} 00000000:0000 0A`);
}

nothingLeft(t, space);
