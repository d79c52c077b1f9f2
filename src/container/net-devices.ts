/** linux.netDevices: moved when the network namespace exists, and back when the create fails. */
import { explainHostFailure } from "../plan/failure.js";
import type { HostStep } from "../plan/schema.js";
import type { Launch } from "./launch-state.js";

export function moveNetDevices(state: Launch, pid: number): void {
	const steps = state.plan.host.filter((step) => step.op === "netDevice.move");
	// Set first: those before the one that fails have moved.
	state.netDevicesMoved = true;
	const failure = state.native.executeHostSteps({ steps: JSON.stringify(steps), pid });
	if (failure) throw explainHostFailure({ host: steps }, failure);
}

/** Before the container's process ends: virtual devices end with their network namespace. */
export function returnNetDevices(state: Launch): void {
	if (state.netDevicesMoved) finish(state, { op: "netDevices.return", at: "/linux/netDevices" });
}

/** The container runs, and what becomes of its devices is the kernel's business (config-linux.md, "Network Devices"). */
export function keepNetDevices(state: Launch): void {
	if (state.netDevicesMoved) finish(state, { op: "netDevices.keep" });
}

function finish(state: Launch, step: HostStep): void {
	state.netDevicesMoved = false;
	const failure = state.native.executeHostSteps({ steps: JSON.stringify([step]) });
	if (failure) throw explainHostFailure({ host: [step] }, failure);
}
