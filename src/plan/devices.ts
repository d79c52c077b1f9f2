/** /dev: the default devices of the specification, linux.devices, and the links that programs expect. */
import { type Context, inUserNamespace, type Linux } from "./context.js";
import { cleanPath } from "./paths.js";
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
const links: Omit<InitStepOf<"symlink.create">, "op">[] = [
	{ path: "/dev/fd", target: "/proc/self/fd", replace: false },
	{ path: "/dev/stdin", target: "/proc/self/fd/0", replace: false },
	{ path: "/dev/stdout", target: "/proc/self/fd/1", replace: false },
	{ path: "/dev/stderr", target: "/proc/self/fd/2", replace: false },
	{ path: "/dev/core", target: "/proc/kcore", replace: false, ifExists: "/proc/kcore" },
	// An image may bring a device of that name, which would be the host's pty multiplexer.
	{ path: "/dev/ptmx", target: "pts/ptmx", replace: true },
];

const kinds = { c: "c", u: "c", b: "b", p: "p" } as const;

/** Whoever binds a whole /dev brings the devices, and the directory is not ours to write to. */
export function bringsOwnDev(context: Context): boolean {
	return (context.spec.mounts ?? []).some(
		({ destination, type, options }) =>
			cleanPath(destination) === "/dev" && (type === "bind" || options?.includes("bind") || options?.includes("rbind")),
	);
}

export function populateDev(context: Context): InitStep[] {
	if (!context.namespaces.has("mount") || bringsOwnDev(context)) return [];
	const requested = (context.linux.devices ?? []).map((device, index) => ({ device, at: `/linux/devices/${index}` }));
	const replaced = new Set(requested.map(({ device }) => cleanPath(device.path)));
	const steps = defaultDevices
		.filter(({ path }) => !replaced.has(path))
		.map((device) => createDevice(context, device, undefined));
	for (const { device, at } of requested) {
		// The link to the container's own multiplexer takes its place.
		if (cleanPath(device.path) !== "/dev/ptmx") steps.push(createDevice(context, device, at));
	}
	return [...steps, ...links.map((link): InitStep => ({ op: "symlink.create", ...link }))];
}

function createDevice(context: Context, device: Device, pointer: string | undefined): InitStep {
	const at = pointer === undefined ? {} : { at: pointer };
	const path = cleanPath(device.path);
	const kind = kinds[device.type];
	const major = Number(device.major ?? 0);
	const minor = Number(device.minor ?? 0);
	// A fifo is a file like any other; the rest takes CAP_MKNOD in the first user namespace.
	if (kind !== "p" && inUserNamespace(context)) {
		return { op: "device.bind", ...at, source: path, path, kind, major, minor };
	}
	return {
		op: "device.create",
		...at,
		path,
		kind,
		major,
		minor,
		// Docker leaves the file type of stat(2) in.
		mode: (device.fileMode ?? 0o666) & 0o7777,
		uid: device.uid ?? 0,
		gid: device.gid ?? 0,
	};
}
