/** linux.uidMappings and linux.gidMappings: who the container's users are on the host. */
import { RuntimeError } from "../errors.js";
import type { Context, Linux } from "./context.js";
import type { HostStep, InitStep } from "./schema.js";

type Mappings = NonNullable<Linux["uidMappings"]>;

/**
 * Without privileges the kernel takes a gid map (of the caller's own id) only for a process that gave up setgroups(2)
 * (user_namespaces(7)). newgidmap writes any other one, and has the privileges.
 */
export function deniesSetgroups(context: Context): boolean {
	const { namespaces, host, linux } = context;
	if (!namespaces.isNew("user") || host.euid === 0) return false;
	const mappings = linux.gidMappings ?? [];
	return mappings.length === 1 && mappings[0]?.size === 1 && mappings[0].hostID === host.egid;
}

/** Who the init is, where the user namespace has no root: whoever the process is to be. */
export function rootSubstitute({ namespaces, process }: Context): { uid?: number; gid?: number } {
	if (!namespaces.has("user") || process.user === undefined) return {};
	return { uid: process.user.uid, gid: process.user.gid };
}

/**
 * The same, because the caller's own user namespace is one of that kind: so are all below it, and only those can be
 * made or joined from there.
 */
export function inheritsDenial({ host }: Context): boolean {
	return host.setgroupsDenied === true;
}

/** Those of an ordinary user have been filled in. The words are runc's. */
function requireMappings({ uidMappings, gidMappings }: Linux): void {
	const missing = uidMappings?.length ? (gidMappings?.length ? undefined : "gid") : "uid";
	if (missing === undefined) return;
	throw new RuntimeError("config.invalid", `user namespaces enabled, but no ${missing} mappings found`, {
		pointer: `/linux/${missing}Mappings`,
		hint: "an ordinary user's are taken from /etc/subuid and /etc/subgid, root has to say which",
	});
}

function ranges(mappings: Mappings = []): [number, number, number][] {
	return mappings.map(({ containerID, hostID, size }) => [containerID, hostID, size]);
}

/** Needs the process; the caller picks it from the list by its op. */
export function writeIdMaps(context: Context, host: HostStep[]): void {
	if (!context.namespaces.isNew("user")) return;
	host.push({
		op: "idmap.write",
		at: "/linux/uidMappings",
		uid: ranges(context.linux.uidMappings),
		gid: ranges(context.linux.gidMappings),
		denySetgroups: deniesSetgroups(context),
	});
}

export function awaitIdMaps(context: Context, init: InitStep[]): void {
	if (!context.namespaces.isNew("user")) return;
	requireMappings(context.linux);
	init.push({ op: "idmap.wait", at: "/linux/uidMappings", ...rootSubstitute(context) });
}
