/** Cgroups that share a parent: many at once, and what is left of one that fails. */
import { once } from "node:events";
import { existsSync, mkdirSync, readdirSync, rmdirSync } from "node:fs";
import t from "tap";
import type { Config } from "../support/config.js";
import { cgroups, hostMounts } from "../support/leaks.js";
import { oursOnly, Runtime } from "../support/runtime.js";
import { nothingLeft, workspace } from "../support/workspace.js";

const space = workspace(t);
const deny = { allow: false, access: "rwm" };
const hierarchies = hostMounts().filter(({ type, superblock }) =>
	hostMounts().some(({ type }) => type === "cgroup") ? type === "cgroup" : type === "cgroup2" && superblock.length > 0,
);

/** Runs a command; returns what it wrote to standard error when it failed. */
async function failure(args: string[]): Promise<string | undefined> {
	const child = space.runtime.spawn(args, { stdio: ["ignore", "ignore", "pipe"], env: Runtime.environment() });
	let stderr = "";
	child.stderr?.on("data", (data: Buffer) => {
		stderr += data;
	});
	const closed = once(child, "close");
	const [status] = (await once(child, "exit")) as [number | null];
	// A created container keeps the pipe open.
	if (status !== 0) await closed;
	return status === 0 ? undefined : `${args.join(" ")}: ${status}: ${stderr}`;
}

t.test(
	"50 containers created at once below a parent that is not there yet: none fails",
	{ skip: oursOnly },
	async (t) => {
		const parent = `${space.token}-many`;
		const containers = Array.from({ length: 50 }, (_, index) =>
			space.container((config) => {
				config.linux.cgroupsPath = `/${parent}/pods/${index}`;
				config.linux.resources = {
					devices: [deny],
					pids: { limit: 20 },
					memory: { limit: 64 << 20 },
					cpu: { shares: 100, cpus: "0-1" },
				};
				config.process.args = ["/bin/sleep", "1000"];
			}),
		);
		const created = await Promise.all(
			containers.map(({ bundle, id }) => failure(["create", "--bundle", bundle.path, id])),
		);
		t.same(
			created.filter((text) => text !== undefined),
			[],
		);
		for (const { point } of hierarchies) {
			const children = readdirSync(`${point}/${parent}/pods`, { withFileTypes: true }).filter((entry) =>
				entry.isDirectory(),
			);
			t.equal(children.length, 50, point);
		}
		const deleted = await Promise.all(containers.map(({ id }) => failure(["delete", "--force", id])));
		t.same(
			deleted.filter((text) => text !== undefined),
			[],
		);
		const left = cgroups(space.token);
		t.same(
			left.filter((path) => !path.endsWith("/pods") && !path.endsWith(parent)),
			[],
			"the parents are for whoever made the path up",
		);
		for (const path of left) rmdirSync(path);
	},
);

const refused = (path: string) => (config: Config) => {
	config.linux.cgroupsPath = path;
	config.linux.resources = { devices: [deny], cpu: { cpus: "4000" } };
};

t.test("a create that fails leaves no directory, nor the parents that it made", { skip: oursOnly }, async (t) => {
	const result = space.container(refused(`/${space.token}-x/y/z`)).create();
	t.equal(result.status, 1);
	t.match(result.error, /cpuset\.cpus/);
	t.same(cgroups(space.token), []);
	// A control file is in the way, in a parent that the first hierarchy has by then.
	const blocked = space.container((config) => {
		config.linux.cgroupsPath = `/${space.token}-x/cgroup.procs/z`;
	});
	const refusal = blocked.create();
	t.equal(refusal.status, 1);
	t.match(refusal.error, /unable to apply cgroup configuration: make cgroup .*: file exists/);
	t.same(cgroups(space.token), []);
});

t.test("parents that were there stay, and what others have in them", { skip: oursOnly }, async (t) => {
	const parent = `${space.token}-kept`;
	for (const { point } of hierarchies) mkdirSync(`${point}/${parent}`);
	t.equal(space.container(refused(`/${parent}/y/z`)).create().status, 1);
	for (const { point } of hierarchies) {
		t.ok(existsSync(`${point}/${parent}`), point);
		t.notOk(existsSync(`${point}/${parent}/y`), point);
	}
	const neighbour = space.container((config) => {
		config.linux.cgroupsPath = `/${parent}/y/neighbour`;
		config.process.args = ["/bin/sleep", "1000"];
	});
	t.equal(neighbour.create().status, 0);
	t.equal(space.container(refused(`/${parent}/y/z`)).create().status, 1);
	t.equal(neighbour.state().status, "created");
	t.equal(neighbour.delete("--force").status, 0);
	for (const path of cgroups(space.token)) rmdirSync(path);
});

t.test("beside creates that fail, those with the same new parent succeed", { skip: oursOnly }, async (t) => {
	const parent = `${space.token}-mixed`;
	for (let round = 0; round < 4; round++) {
		const bad = Array.from({ length: 4 }, (_, index) => space.container(refused(`/${parent}/a/bad${index}`)));
		const good = Array.from({ length: 4 }, (_, index) =>
			space.container((config) => {
				config.linux.cgroupsPath = `/${parent}/a/good${index}`;
				config.process.args = ["/bin/sleep", "1000"];
			}),
		);
		const outcomes = await Promise.all(
			[...bad, ...good].map(({ bundle, id }) => failure(["create", "--bundle", bundle.path, id])),
		);
		t.ok(
			outcomes.slice(0, bad.length).every((text) => text?.includes("cpuset.cpus")),
			outcomes.join("\n"),
		);
		t.same(
			outcomes.slice(bad.length).filter((text) => text !== undefined),
			[],
		);
		for (const container of good) t.equal(container.delete("--force").status, 0);
		for (const path of cgroups(space.token)) rmdirSync(path);
	}
});

nothingLeft(t, space);
