/** The programs of runtime-tools' validation/ folder, and one run of one of them. */
import { spawn, spawnSync } from "node:child_process";
import {
	chmodSync,
	closeSync,
	existsSync,
	mkdirSync,
	mkdtempSync,
	openSync,
	readdirSync,
	readFileSync,
	rmdirSync,
	rmSync,
	writeFileSync,
} from "node:fs";
import { basename, dirname, join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { cgroups, hostMounts, mounts, processes } from "../support/leaks.js";
import { parseMountinfo } from "../support/mountinfo.js";

export interface Suite {
	/** Where runtimetest and the root file system's archive are; the programs look for them in their working directory. */
	directory: string;
	/** Paths of the built programs, in alphabetical order of their names. */
	programs: string[];
}

export interface Run {
	/** Exit status; null when a signal ended the program. */
	status: number | null;
	timedOut: boolean;
	stdout: string;
	stderr: string;
	milliseconds: number;
	/** Its temporary directory, which is gone again unless something stays mounted there. */
	directory: string;
	/** Containers that the program did not delete. They are none of the runtime's faults, and are deleted by force. */
	leftContainers: string[];
	/** What is there after that: processes, mounts, cgroups, state. */
	leaks: string[];
}

export const nameOf = (program: string): string => basename(program, ".t");

export function findSuite(validation: string): Suite {
	if (!existsSync(validation)) throw new Error(`${validation} does not exist`);
	const programs = readdirSync(validation, { recursive: true, encoding: "utf8" })
		.filter((name) => name.endsWith(".t"))
		.map((name) => join(validation, name))
		.sort((a, b) => nameOf(a).localeCompare(nameOf(b), "en"));
	if (programs.length === 0) throw new Error(`${validation} has no built programs (*.t): make validation-executables`);
	const directory = [validation, dirname(validation)].find((path) => existsSync(join(path, "runtimetest")));
	if (directory === undefined)
		throw new Error(`neither ${validation} nor its parent has runtimetest: make runtimetest`);
	return { directory, programs };
}

const withNetControllers = [
	...["unshare", "--mount", "--propagation", "private"],
	join(import.meta.dirname, "net-cgroups.sh"),
];

/** Distributions with cgroup v1 mount these controllers; where nobody has (hierarchy 0), any host can that has v1. */
function wantsNetControllers(program: string): boolean {
	if (!/^linux_cgroups_(relative_)?network$/.test(nameOf(program))) return false;
	const table = readFileSync("/proc/cgroups", "utf8");
	const isFree = (controller: string) => new RegExp(`^${controller}\\t0\\t\\d+\\t1$`, "m").test(table);
	return isFree("net_cls") && isFree("net_prio") && hostMounts().some(({ type }) => type === "cgroup");
}

/** Cgroups that the suite names itself (cgroups/cgroups.go); other containers' are named by their id. */
const SUITE_CGROUPS = ["cgrouptest", "testdir"];

/** Of `testdir/cgrouptest/container` a runtime removes the last part: parents may be those of an engine. */
const PARENT = /\/testdir(\/cgrouptest)?$/;

/**
 * Runs one program with a temporary directory, a state root and a name of its own. The suite gives the runtime no
 * options, so it gets a script that adds `--root` and notes the calls.
 */
export async function runProgram(suite: Suite, program: string, runtime: string, limitMs: number): Promise<Run> {
	const work = mkdtempSync("/tmp/rttconf");
	// A container's root in a user namespace has to get through to its rootfs.
	chmodSync(work, 0o711);
	const root = join(work, "root");
	const calls = join(work, "calls");
	const wrapper = join(work, "runtime");
	const bundles = join(work, "bundles");
	mkdirSync(root, { mode: 0o700 });
	mkdirSync(bundles, { mode: 0o711 });
	const before = SUITE_CGROUPS.flatMap(cgroups);
	writeFileSync(calls, "");
	writeFileSync(wrapper, `#!/bin/sh\necho "$*" >>${calls}\nexec ${runtime} --root ${root} "$@"\n`, { mode: 0o755 });
	const files = { out: join(work, "stdout"), err: join(work, "stderr") };
	const stdio = [openSync("/dev/null", "r"), openSync(files.out, "w"), openSync(files.err, "w")];
	const began = performance.now();
	const [file = program, ...args] = [...(wantsNetControllers(program) ? withNetControllers : []), program];
	const child = spawn(file, args, {
		cwd: suite.directory,
		env: { PATH: process.env["PATH"] ?? "", HOME: "/root", RUNTIME: wrapper, TMPDIR: bundles },
		stdio: stdio as number[] as [number, number, number],
		// A group of its own: a program that hangs waits for a runtime that hangs.
		detached: true,
	});
	let timedOut = false;
	const timer = setTimeout(() => {
		timedOut = true;
		if (child.pid !== undefined) process.kill(-child.pid, "SIGKILL");
	}, limitMs);
	const status = await new Promise<number | null>((resolve, reject) => {
		child.once("error", reject);
		child.once("exit", resolve);
	});
	clearTimeout(timer);
	for (const fd of stdio) closeSync(fd);
	const milliseconds = performance.now() - began;

	const leftContainers = await deleteLeft(wrapper, root, limitMs);
	const leaks = await sweep(work, root, createdIds(readFileSync(calls, "utf8")), before);
	const [stdout, stderr] = [readFileSync(files.out, "utf8"), readFileSync(files.err, "utf8")];
	if (mounts(work).length === 0) rmSync(work, { recursive: true, force: true });
	return { status, timedOut, stdout, stderr, milliseconds, directory: work, leftContainers, leaks };
}

/** The id is the last word of a create. */
function createdIds(calls: string): string[] {
	return calls
		.split("\n")
		.filter((line) => line.startsWith("create "))
		.map((line) => line.split(" ").at(-1) ?? "")
		.filter((id) => id.length > 8);
}

/** State directories; a name that no id can have is a cache of the runtime's. */
const stateOf = (root: string): string[] => readdirSync(root).filter((name) => /^[\w+.-]+$/.test(name));

async function deleteLeft(wrapper: string, root: string, limitMs: number): Promise<string[]> {
	const ids = stateOf(root);
	for (const id of ids) {
		const child = spawn(wrapper, ["delete", "--force", id], { stdio: "ignore", detached: true });
		const timer = setTimeout(() => child.pid !== undefined && process.kill(-child.pid, "SIGKILL"), limitMs);
		await new Promise((resolve) => child.once("exit", resolve));
		clearTimeout(timer);
	}
	return ids;
}

/**
 * Says what is left, and removes it: the next program must not find it. A process that was killed a moment ago and what
 * it holds may take that moment to go, so what is gone within a second was not left.
 */
async function sweep(work: string, root: string, ids: string[], before: string[]): Promise<string[]> {
	const running = () => [
		...new Set([...processes(work).filter((pid) => hasRootIn(pid, work)), ...ids.flatMap(inCgroup)]),
	];
	const made = () => [...new Set([...ids, ...SUITE_CGROUPS].flatMap(cgroups))].filter((path) => !before.includes(path));
	const own = () => made().filter((path) => !PARENT.test(path));
	const find = () => [
		...running().map((pid) => `process ${pid}`),
		...mounts(work).map((point) => `mount ${point}`),
		...own().map((path) => `cgroup ${path}`),
		...stateOf(root).map((id) => `state of ${id}`),
	];
	await until(() => find().length === 0, 1000);
	const left = find();
	for (const pid of running()) {
		try {
			process.kill(pid, "SIGKILL");
		} catch {
			// It ended by itself.
		}
	}
	await until(() => running().length === 0, 5000);
	for (const point of mounts(work)) spawnSync("umount", ["--lazy", point]);
	await until(() => {
		for (const path of made()) {
			try {
				rmdirSync(path);
			} catch {
				// Busy: tried again, and said if it stays so.
			}
		}
		return made().length === 0;
	}, 5000);
	return [...new Set([...left, ...made().map((path) => `cgroup ${path}, not to be removed`)])];
}

/**
 * A container that somebody else makes at this moment still has the host's mounts, also one that was left in `work`: so a
 * process counts when it has a part of `work` mounted where the host has not.
 */
function hasRootIn(pid: number, work: string): boolean {
	const points = hostMounts().map(({ point }) => point);
	try {
		const own = parseMountinfo(readFileSync(`/proc/${pid}/mountinfo`, "utf8"));
		return own.some(({ root, point }) => root.includes(work) && (point === "/" || !points.includes(point)));
	} catch {
		return false; // It ended meanwhile.
	}
}

function inCgroup(id: string): number[] {
	return processes(id).filter((pid) => {
		try {
			return readFileSync(`/proc/${pid}/cgroup`, "utf8").includes(id);
		} catch {
			return false;
		}
	});
}

/** Polls: there is no event for any of this. */
async function until(condition: () => boolean, milliseconds: number): Promise<void> {
	const deadline = performance.now() + milliseconds;
	while (!condition() && performance.now() < deadline) await delay(20);
}
