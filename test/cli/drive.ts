/** Runs the command line on an in-memory host. */
import { readFileSync } from "node:fs";
import { main } from "../../src/cli/main.js";
import { FakeNative } from "../../src/native/fake.js";

export const mountinfo = [
	"25 1 0:23 / /sys rw - sysfs sysfs rw",
	"30 25 0:26 / /sys/fs/cgroup/pids rw - cgroup cgroup rw,pids",
	"31 25 0:27 / /sys/fs/cgroup/memory rw - cgroup cgroup rw,memory",
	"32 25 0:28 / /sys/fs/cgroup/devices rw - cgroup cgroup rw,devices",
	"33 25 0:29 / /sys/fs/cgroup/cpu rw - cgroup cgroup rw,cpu",
	"34 25 0:30 / /sys/fs/cgroup/freezer rw - cgroup cgroup rw,freezer",
	"",
].join("\n");

/** A host with a bundle in /b (runc's own example) and another working directory. */
export function host(config?: string, cwd = "/here"): FakeNative {
	const native = new FakeNative(
		{
			"/proc/self/mountinfo": mountinfo,
			"/proc/self/status": "Name:\tx\nCapBnd:\t000001ffffffffff\n",
			"/b/config.json": config ?? sample("runc-spec.json"),
			"/b/rootfs/bin/sh": "",
		},
		cwd,
	);
	native.messages = [];
	return native;
}

export function sample(name: string): string {
	return readFileSync(new URL(`../bundle/samples/${name}`, import.meta.url), "utf8");
}

export interface Result {
	status: number;
	stdout: string;
	stderr: string;
}

export async function drive(native: FakeNative, ...argv: string[]): Promise<Result> {
	native.stdout = "";
	native.stderr = "";
	const status = await main(argv, native);
	return { status, stdout: native.stdout, stderr: native.stderr };
}
