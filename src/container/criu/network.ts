/**
 * A network namespace of the container's own comes back empty (CRIU_OPT empty_ns, as with runc). What create has put into
 * it is put into it again before criu restores any socket: the loopback device, sysctls, devices of the host.
 */
import type { InitStep } from "../../plan/schema.js";
import type { Launch } from "../launch-state.js";
import { moveNetDevices } from "../net-devices.js";
import { runInit } from "./init.js";

/** `pid`: a process in the new namespace. */
export function fillNetwork(state: Launch, pid: number): void {
	const { native, plan } = state;
	const up = plan.init.find(({ op }) => op === "network.up");
	// A namespace that is joined has kept everything.
	if (up === undefined) return;
	if (plan.host.some(({ op }) => op === "netDevice.move")) moveNetDevices(state, pid);
	// Those of other namespaces are in criu's images.
	const sysctls = plan.init.filter((step) => step.op === "sysctl.write" && step.path.startsWith("net/"));
	const path = `/proc/${pid}/ns/net`;
	const steps: InitStep[] = [
		{ op: "namespace.join", at: up.at, namespaces: [{ type: "network", path, at: up.at }] },
		{ op: "clone", namespaces: ["mount"] },
		// Opens the proc that sysctls are written through.
		{ op: "root.open", at: "/root/path", path: plan.rootfs, propagation: "rprivate" },
		up,
		...sysctls,
	];
	runInit(native, plan.id, steps, "set up the network");
}
