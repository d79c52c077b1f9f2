/** The engine's part of a bind mount (and of the root filesystem) whose source the container's root may not reach: it opens it for the init. */
import { RuntimeError } from "../errors.js";
import type { NativeFailure } from "../native/api.js";
import { explainFailure } from "../plan/failure.js";
import type { InitStep } from "../plan/schema.js";
import { channelOf, type Launch } from "./launch-state.js";

/** `index` is that of the step in the init's plan. */
export function sendSource(state: Launch, index: number): void {
	const { native, plan, pid } = state;
	const step = plan.init[index];
	const path = step === undefined ? undefined : sourceOf(step);
	if (path === undefined || pid === undefined) {
		throw new RuntimeError("init", "the init broke the protocol: a source of no bind mount");
	}
	try {
		// In a mount namespace that is joined, somebody else decides where a path leads to.
		if (!makesMountNamespace(plan.init)) throw denied(path);
		native.sendSource({ channel: channelOf(state), pid, path });
	} catch (error) {
		const { syscall, errno, code, detail } = error as NativeFailure;
		// A failure to send is for the caller: the init has hung up, and says why.
		if (syscall !== "open") throw error;
		throw explainFailure(plan, { step: index, syscall, errno, code, ...(detail ? { detail } : {}) });
	}
}

/** What the init may ask for in this step: binds, also of the root filesystem and of devices that mknod was refused. */
function sourceOf(step: InitStep): string | undefined {
	switch (step.op) {
		case "mount.bind":
		case "device.bind":
		case "device.create":
			return step.source;
		case "root.open":
			return step.path;
		default:
			return undefined;
	}
}

function makesMountNamespace(steps: InitStep[]): boolean {
	return steps.some((step) => step.op === "clone" && step.namespaces.includes("mount"));
}

function denied(path: string): NativeFailure {
	return Object.assign(new Error(), { syscall: "open", errno: 13, code: "EACCES", detail: path });
}
