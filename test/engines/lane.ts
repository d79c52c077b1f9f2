/** What the lanes share: the runtime that is under test, waiting, and the looks at what is left. */
import { spawnSync } from "node:child_process";
import { existsSync, readFileSync, statSync } from "node:fs";
import { basename, delimiter, resolve } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import type { TAP } from "tap";
import { patience } from "../support/patience.js";
import type { Machine } from "./machine.js";
import { GuestMachine } from "./machine-guest.js";
import { NamespaceMachine } from "./machine-namespaces.js";

const repository = fileURLToPath(new URL("../../", import.meta.url));

/** Absolute path of the runtime under test: RUNTIME, a file or the name of a program, or build/runtime-ts. */
export const runtime = ((): string => {
	const name = process.env.RUNTIME ?? "build/runtime-ts";
	const places = name.includes("/") ? [repository] : (process.env.PATH ?? "").split(delimiter);
	const found = places.map((place) => resolve(place, name)).find((file) => existsSync(file) && statSync(file).isFile());
	if (found === undefined) throw new Error(`RUNTIME ${name} is not there`);
	return found;
})();
export const runtimeName = basename(runtime);

/** Waits until the answer is true; after `seconds`, of an ordinary machine, an error. */
export async function until(condition: () => boolean | Promise<boolean>, what: string, seconds = 15): Promise<void> {
	const deadline = Date.now() + seconds * 1000 * patience;
	while (!(await condition())) {
		if (Date.now() > deadline) throw new Error(`in ${seconds * patience} seconds it did not happen that ${what}`);
		await delay(100);
	}
}

/** First line of a lane: its machine, which ends with the test file. In the project's guest that is the guest. */
export async function bootMachine(t: TAP): Promise<Machine> {
	if (process.getuid?.() !== 0) {
		t.plan(0, "the engines of these tests need root");
		process.exit(0);
	}
	// Its tests.service tells the name of an ordinary user.
	const machine = process.env.GUEST_USER === undefined ? await NamespaceMachine.boot() : new GuestMachine();
	t.teardown(() => machine.halt());
	return machine;
}

/** Whether root of this machine has every capability that the kernel knows. */
export const hasAllCapabilities = ((): boolean => {
	const last = Number(readFileSync("/proc/sys/kernel/cap_last_cap", "utf8"));
	const bounding = /^CapBnd:\t([0-9a-f]+)$/m.exec(readFileSync("/proc/self/status", "utf8"))?.[1] ?? "0";
	return BigInt(`0x${bounding}`) === (1n << BigInt(last + 1)) - 1n;
})();

export const usesCgroupV2 = existsSync("/sys/fs/cgroup/cgroup.controllers");

/** Why criu can't checkpoint on this machine, as it says itself; undefined where it can. */
export function criuFailure(): string | undefined {
	const answer = spawnSync("criu", ["check"], { encoding: "utf8" });
	if (answer.error) return "criu is not installed";
	if (answer.status === 0) return undefined;
	const first = /Error \([^)]*\): (.*)/.exec(answer.stderr)?.[1] ?? `status ${answer.status}`;
	return `criu does not work on this machine: ${first}`;
}
