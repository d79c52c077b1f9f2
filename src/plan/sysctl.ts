/** linux.sysctl: kernel parameters, but only those that are the container's own. */
import { RuntimeError } from "../errors.js";
import type { Context } from "./context.js";
import { escapePointer } from "./pointer.js";
import type { InitStep, NamespaceType } from "./schema.js";

const ipcKeys = new Set([
	"kernel.msgmax",
	"kernel.msgmnb",
	"kernel.msgmni",
	"kernel.sem",
	"kernel.shmall",
	"kernel.shmmax",
	"kernel.shmmni",
	"kernel.shm_rmid_forced",
]);

/** The namespace that a parameter belongs to; undefined: it is the whole host's. */
function owner(key: string): NamespaceType | undefined {
	if (ipcKeys.has(key) || key.startsWith("fs.mqueue.")) return "ipc";
	if (key.startsWith("net.")) return "network";
	if (key === "kernel.domainname") return "uts";
	if (key.startsWith("user.")) return "user";
	return undefined;
}

/** As sysctl(8) reads a key: the first separator is the separator, the other character is part of a name (eth0.1). */
function swapSeparators(key: string): string {
	const other: Record<string, string> = { ".": "/", "/": "." };
	return key.replace(/[./]/g, (character) => other[character] ?? character);
}

export function writeSysctls({ linux, namespaces }: Context): InitStep[] {
	return Object.entries(linux.sysctl ?? {}).map(([key, value]) => {
		const at = `/linux/sysctl/${escapePointer(key)}`;
		const slashes = /[./]/.exec(key)?.[0] === "/";
		const path = slashes ? key : swapSeparators(key);
		const dotted = slashes ? swapSeparators(key) : key;
		const refuse = (reason: string) => new RuntimeError("config.invalid", reason, { pointer: at });
		if (dotted === "kernel.hostname") {
			throw refuse(`sysctl "${dotted}" is not allowed as it conflicts with the OCI "hostname" field`);
		}
		const namespace = owner(dotted);
		if (namespace === undefined || path.split("/").some((part) => part === "" || part === "." || part === "..")) {
			throw refuse(`sysctl "${dotted}" is not in a separate kernel namespace`);
		}
		if (!namespaces.has(namespace)) {
			throw refuse(`sysctl "${dotted}" is not allowed in the hosts ${namespace} namespace`);
		}
		return { op: "sysctl.write", at, key: dotted, path, value };
	});
}
