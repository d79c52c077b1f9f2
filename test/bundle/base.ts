/** The small good config.json that the tests bend, and how they show what is said about it. */
import { formatDiagnostic } from "../../src/bundle/diagnostic.js";
import { parseConfig } from "../../src/bundle/parse.js";
import type { Spec } from "../../src/bundle/spec.js";

/** A JSON value that a test may bend to any shape. */
// biome-ignore lint/suspicious/noExplicitAny: tests put values where the types forbid them
export type Bent = any;

export function baseConfig(): Spec {
	return {
		ociVersion: "1.3.0",
		root: { path: "rootfs" },
		process: { cwd: "/", args: ["sh"], user: { uid: 0, gid: 0 }, env: ["PATH=/bin"] },
		hostname: "box",
		mounts: [
			{ destination: "/proc", type: "proc", source: "proc" },
			{ destination: "/data", source: "/srv/data", options: ["rbind", "ro"] },
		],
		linux: {
			namespaces: [
				{ type: "pid" },
				{ type: "network" },
				{ type: "mount" },
				{ type: "ipc" },
				{ type: "uts" },
				{ type: "cgroup" },
			],
			maskedPaths: ["/proc/kcore"],
		},
	};
}

/** Base config after `bend`, as text. */
export function bentText(bend: (config: Bent) => void): string {
	const config = baseConfig();
	bend(config);
	return JSON.stringify(config);
}

/** All that is said about a text, without positions. */
export function said(text: string): string[] {
	return parseConfig(text).diagnostics.map(({ line: _line, column: _column, ...rest }) => formatDiagnostic(rest));
}

/** A name, what to do to the base config, and everything that is then said about it. */
export type Case = [name: string, bend: (config: Bent) => void, ...expected: string[]];

/** Takes the uts namespace away. */
export const uts = (c: Bent) => c.linux.namespaces.splice(4, 1);
export const without = (type: string) => (c: Bent) => {
	c.linux.namespaces = c.linux.namespaces.filter((namespace: Bent) => namespace.type !== type);
};
export const userns = (c: Bent, mappings: Bent = [{ containerID: 0, hostID: 100000, size: 65536 }]) => {
	c.linux.namespaces.push({ type: "user" });
	c.linux.uidMappings = structuredClone(mappings);
	c.linux.gidMappings = structuredClone(mappings);
};
