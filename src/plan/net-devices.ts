/** linux.netDevices: devices of the engine's network namespace that move into the container's. */
import { pointerToken } from "../bundle/diagnostic.js";
import { RuntimeError } from "../errors.js";
import type { Context } from "./context.js";
import type { HostStep, InitStep } from "./schema.js";

const at = "/linux/netDevices";

/** The engine's part, for when the network namespace exists. */
export function moveNetDevices(context: Context, host: HostStep[]): void {
	const { netDevices } = context.linux;
	if (netDevices === undefined || isEmpty(netDevices)) return;
	if (context.host.euid !== 0) {
		throw new RuntimeError("config.unsupported", "network devices are not supported for rootless containers", {
			pointer: at,
			hint: "taking a device from the host's network namespace takes CAP_NET_ADMIN there",
		});
	}
	const namespace = context.namespaces.joined.find(({ type }) => type === "network")?.path;
	for (const device in netDevices) {
		const name = netDevices[device]?.name;
		host.push({
			op: "netDevice.move",
			at: `${at}/${pointerToken(device)}`,
			device,
			...(name ? { name } : {}),
			...(namespace === undefined ? {} : { namespace }),
		});
	}
}

/** The container's part: before hooks and sysctls, which may be about the devices. */
export function awaitNetDevices({ linux }: Context, init: InitStep[]): void {
	if (linux.netDevices !== undefined && !isEmpty(linux.netDevices)) init.push({ op: "netDevices.wait", at });
}

function isEmpty(devices: object): boolean {
	for (const _device in devices) return false;
	return true;
}
