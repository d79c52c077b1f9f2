/** linux.netDevices: devices of the engine's network namespace that move into the container's. */
import { pointerToken } from "../bundle/diagnostic.js";
import { RuntimeError } from "../errors.js";
import type { Context } from "./context.js";
import type { HostStep, InitStep } from "./schema.js";

const at = "/linux/netDevices";

function names({ linux }: Context): string[] {
	return linux.netDevices === undefined ? [] : Object.keys(linux.netDevices);
}

/** The engine's part, for when the network namespace exists. */
export function moveNetDevices(context: Context): HostStep[] {
	const devices = names(context);
	if (devices.length === 0) return [];
	if (context.host.euid !== 0) {
		throw new RuntimeError("config.unsupported", "network devices are not supported for rootless containers", {
			pointer: at,
			hint: "taking a device from the host's network namespace takes CAP_NET_ADMIN there",
		});
	}
	const namespace = context.namespaces.joined.find(({ type }) => type === "network")?.path;
	return devices.map((device) => {
		const name = context.linux.netDevices?.[device]?.name;
		return {
			op: "netDevice.move",
			at: `${at}/${pointerToken(device)}`,
			device,
			...(name ? { name } : {}),
			...(namespace === undefined ? {} : { namespace }),
		};
	});
}

/** The container's part: before hooks and sysctls, which may be about the devices. */
export function awaitNetDevices(context: Context): InitStep[] {
	return names(context).length === 0 ? [] : [{ op: "netDevices.wait", at }];
}
