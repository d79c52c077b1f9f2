/** /dev: the default devices of the specification, linux.devices, and the links that programs expect. */
import { compareAttributes } from "./bound-devices.js";
import { type Context, inUserNamespace, type Linux, type Mount } from "./context.js";
import { cleanPath } from "./paths.js";
import { mayMount } from "./root.js";
import type { InitStep, InitStepOf } from "./schema.js";

type Device = NonNullable<Linux["devices"]>[number];

/** config-linux.md, "Default Devices"; /dev/console and /dev/ptmx are made in other ways. */
const defaultDevices: Device[] = [
	{ path: "/dev/null", type: "c", major: 1, minor: 3 },
	{ path: "/dev/zero", type: "c", major: 1, minor: 5 },
	{ path: "/dev/full", type: "c", major: 1, minor: 7 },
	{ path: "/dev/random", type: "c", major: 1, minor: 8 },
	{ path: "/dev/urandom", type: "c", major: 1, minor: 9 },
	{ path: "/dev/tty", type: "c", major: 5, minor: 0 },
];

/** runtime-linux.md, "Dev symbolic links"; core is runc's. */
type Link = InitStepOf<"symlink.create">;
const links: readonly Link[] = [
	{ op: "symlink.create", path: "/dev/fd", target: "/proc/self/fd", replace: false },
	{ op: "symlink.create", path: "/dev/stdin", target: "/proc/self/fd/0", replace: false },
	{ op: "symlink.create", path: "/dev/stdout", target: "/proc/self/fd/1", replace: false },
	{ op: "symlink.create", path: "/dev/stderr", target: "/proc/self/fd/2", replace: false },
	{ op: "symlink.create", path: "/dev/core", target: "/proc/kcore", replace: false, ifExists: "/proc/kcore" },
	// An image may bring a device of that name, which would be the host's pty multiplexer.
	{ op: "symlink.create", path: "/dev/ptmx", target: "pts/ptmx", replace: true },
];

const kinds = { c: "c", u: "c", b: "b", p: "p" } as const;

/** Whoever binds a whole /dev brings the devices, and the directory is not ours to write to. */
function bringsOwnDev(context: Context): boolean {
	const mounts = context.spec.mounts ?? [];
	for (let index = 0; index < mounts.length; index++) {
		const { destination, type, options = [] } = mounts[index] as Mount;
		if (cleanPath(destination) !== "/dev") continue;
		if (type === "bind" || options.includes("bind") || options.includes("rbind")) return true;
	}
	return false;
}

export function populateDev(context: Context, init: InitStep[]): void {
	if (!mayMount(context)) return;
	if (bringsOwnDev(context)) {
		createElsewhere(context, init);
		return;
	}
	const requested = context.linux.devices ?? [];
	const paths: string[] = [];
	for (let index = 0; index < requested.length; index++) paths.push(cleanPath((requested[index] as Device).path));
	for (let index = 0; index < defaultDevices.length; index++) {
		const device = defaultDevices[index] as Device;
		if (!paths.includes(device.path)) init.push(createDevice(context, device, undefined));
	}
	for (let index = 0; index < requested.length; index++) {
		// The link to the container's own multiplexer takes its place.
		if (paths[index] === "/dev/ptmx") continue;
		init.push(createDevice(context, requested[index] as Device, `/linux/devices/${index}`));
	}
	for (let index = 0; index < links.length; index++) init.push(links[index] as Link);
}

/** Beside a /dev that is somebody else's. */
function createElsewhere(context: Context, init: InitStep[]): void {
	const requested = context.linux.devices ?? [];
	let below = 0;
	for (const [index, device] of requested.entries()) {
		const path = cleanPath(device.path);
		if (path === "/dev" || path.startsWith("/dev/")) below++;
		else init.push(createDevice(context, device, `/linux/devices/${index}`));
	}
	if (below > 0) {
		context.warn(
			"/linux/devices",
			`${below} of the devices are left to the mount on /dev, which is bound from the host`,
		);
	}
}

function createDevice(context: Context, device: Device, at: string | undefined): InitStep {
	const path = cleanPath(device.path);
	const kind = kinds[device.type];
	const major = Number(device.major ?? 0);
	const minor = Number(device.minor ?? 0);
	// A fifo is a file like any other; the rest takes CAP_MKNOD in the first user namespace.
	const binds = kind !== "p" && inUserNamespace(context);
	if (binds && at !== undefined) compareAttributes(context, device, at);
	const step: InitStepOf<"device.bind"> | InitStepOf<"device.create"> = binds
		? { op: "device.bind", source: path, path, kind, major, minor }
		: {
				op: "device.create",
				path,
				kind,
				major,
				minor,
				// Docker leaves the file type of stat(2) in.
				mode: (device.fileMode ?? 0o666) & 0o7777,
				uid: device.uid ?? 0,
				gid: device.gid ?? 0,
			};
	if (step.op === "device.create" && kind !== "p") step.source = path;
	if (at !== undefined) step.at = at;
	return step;
}
