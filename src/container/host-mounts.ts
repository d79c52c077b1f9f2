/**
 * The root of a container that has no mount namespace of its own, where it needs mounts: they are made in the mount
 * namespace of the runtime. Not on the rootfs, which others see and mount, too, but on a copy of it that is attached
 * in the state directory. All that is below it is ours, and one unmount takes it away, whoever comes to that.
 */
import { RuntimeError } from "../errors.js";
import type { Native } from "../native/api.js";
import { failedWith } from "./errno.js";
import type { StateDirectory } from "./store.js";

/** Attaches `rootfs`, with the mounts below it, at `directory.mountedRoot`. */
export function mountRoot(native: Native, { mounts, mountedRoot }: StateDirectory, rootfs: string): void {
	try {
		native.makeDirectory({ path: mounts, mode: 0o711 });
		native.makeDirectory({ path: mountedRoot, mode: 0o711 });
		// /run is a shared mount under systemd: other namespaces shall get none of what is mounted on the root.
		native.bindMount({ source: mounts, target: mounts });
		native.bindMount({ source: rootfs, target: mountedRoot, recursive: true, slave: true });
	} catch (error) {
		if (!failedWith(error, "EPERM", "EACCES")) throw error;
		throw new RuntimeError("io", `unable to mount the root filesystem on the host: ${error.message}`, {
			pointer: "/linux/namespaces",
			syscall: error.syscall,
			errno: error.code,
			hint: 'add {"type": "mount"} to linux.namespaces',
		});
	}
}

/** Fine to repeat. */
export function unmountRoot(native: Native, { mounts }: StateDirectory): void {
	native.unmount({ path: mounts });
}
