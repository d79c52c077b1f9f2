/**
 * Filesystems that show a namespace, in a container that shares this namespace with its caller. A user namespace may not
 * mount them then, because the namespace is not its own (EPERM); but what the host has mounted shows the very same.
 */
import { type Context, inUserNamespace } from "./context.js";
import type { NamespaceType } from "./schema.js";

// Not proc: it has options (hidepid, subset) that a bind mount can't give it, and engines send a bind mount themselves.
const shows: Record<string, { namespace: NamespaceType; on: string }> = {
	sysfs: { namespace: "network", on: "/sys" },
	mqueue: { namespace: "ipc", on: "/dev/mqueue" },
};

/** Host path to bind where the kernel refuses to mount a filesystem of this type. */
export function mountedOnHost(context: Context, type: string | undefined): string | undefined {
	if (type === undefined || !inUserNamespace(context)) return undefined;
	const shown = shows[type];
	return shown === undefined || context.namespaces.has(shown.namespace) ? undefined : shown.on;
}
