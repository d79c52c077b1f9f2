/** linux.uidMappings and linux.gidMappings: who the container's users are on the host. */
import type { Context, Linux } from "./context.js";
import type { HostStep, InitStep } from "./schema.js";

type Mappings = NonNullable<Linux["uidMappings"]>;

/** Without privileges the kernel takes a gid map only from a process that gave up setgroups(2) (user_namespaces(7)). */
export function deniesSetgroups(context: Context): boolean {
	return context.namespaces.isNew("user") && context.host.euid !== 0;
}

/** The same, because the caller's own user namespace is one of that kind. A namespace that is joined has its own rule. */
export function inheritsDenial(context: Context): boolean {
	return context.host.setgroupsDenied === true && (context.namespaces.isNew("user") || !context.namespaces.has("user"));
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
	if (context.namespaces.isNew("user")) init.push({ op: "idmap.wait", at: "/linux/uidMappings" });
}
