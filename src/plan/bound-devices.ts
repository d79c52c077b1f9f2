/** linux.devices where mknod(2) is refused: the host's device is bound, and has the mode and the owner that it has there. */
import type { Context, Linux } from "./context.js";

type Device = NonNullable<Linux["devices"]>[number];

/** The host's file at a device's path. */
export interface DeviceFile {
	/** Permission bits. */
	mode: number;
	/** As the runtime's own user namespace has them. */
	uid: number;
	gid: number;
}

/** True when a container gets something else than asked for, unless the host's file happens to be like that. */
export function asksForAttributes({ fileMode, uid, gid }: Device): boolean {
	return fileMode !== undefined || uid !== undefined || gid !== undefined;
}

/** Engines copy mode and owner from the host's device, so nothing is said about values that are its own. */
export function compareAttributes(context: Context, device: Device, at: string): void {
	const file = context.host.deviceFiles?.[device.path];
	if (file === undefined || !asksForAttributes(device)) return;
	const { fileMode, uid, gid } = device;
	const { uidMappings, gidMappings } = context.linux;
	const same =
		(fileMode === undefined || (fileMode & 0o777) === file.mode) &&
		isOwner(context, uid, uidMappings, file.uid) &&
		isOwner(context, gid, gidMappings, file.gid);
	if (same) return;
	const mode = file.mode.toString(8).padStart(4, "0");
	context.warn(
		at,
		`${device.path} keeps the mode and owner of the host's device (${mode}, ${file.uid}:${file.gid}): in a user namespace it can only be bound`,
	);
}

/** The mappings of a user namespace that is joined are not known: no word about what may be right. */
function isOwner(context: Context, id: number | undefined, mappings: Linux["uidMappings"], found: number): boolean {
	if (id === undefined) return true;
	if (!context.namespaces.has("user")) return id === found;
	if (!context.namespaces.isNew("user")) return true;
	const range = (mappings ?? []).find(({ containerID, size }) => id >= containerID && id < containerID + size);
	return range !== undefined && range.hostID + (id - range.containerID) === found;
}
