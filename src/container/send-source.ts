/** The engine's part of a bind mount whose source the container's root may not reach: it opens it for the init. */
import { RuntimeError } from "../errors.js";
import type { NativeFailure } from "../native/api.js";
import { explainFailure } from "../plan/failure.js";
import type { InitStep } from "../plan/schema.js";
import { channelOf, type Launch } from "./launch-state.js";

/** `index` is that of the step in the init's plan. */
export function sendSource(state: Launch, index: number): void {
	const { native, plan, pid } = state;
	const step = plan.init[index];
	if ((step?.op !== "mount.bind" && step?.op !== "device.bind") || pid === undefined) {
		throw new RuntimeError("init", "the init broke the protocol: a source of no bind mount");
	}
	try {
		// In a mount namespace that is joined, somebody else decides where a path leads to.
		if (!makesMountNamespace(plan.init)) throw denied(step.source);
		native.sendSource({ channel: channelOf(state), pid, path: step.source });
	} catch (error) {
		const { syscall, errno, code, detail } = error as NativeFailure;
		// A failure to send is for the caller: the init has hung up, and says why.
		if (syscall !== "open") throw error;
		throw explainFailure(plan, { step: index, syscall, errno, code, ...(detail ? { detail } : {}) });
	}
}

function makesMountNamespace(steps: InitStep[]): boolean {
	return steps.some((step) => step.op === "clone" && step.namespaces.includes("mount"));
}

function denied(path: string): NativeFailure {
	return Object.assign(new Error(), { syscall: "open", errno: 13, code: "EACCES", detail: path });
}
