/** The engine's part of an id-mapped mount: the init hands the mount over, for only the host may map its ids. */
import { RuntimeError } from "../errors.js";
import type { InitMessage, MountIdMap, NativeFailure } from "../native/api.js";
import { explainFailure } from "../plan/failure.js";
import type { IdRange, InitStep } from "../plan/schema.js";
import type { Launch } from "./launch-state.js";

export function mapMount(state: Launch, message: Extract<InitMessage, { type: "mount" }>): void {
	const { native, plan, pid } = state;
	const step = plan.init[message.step];
	const idmap = step === undefined ? undefined : idmapOf(step);
	if (idmap === undefined || pid === undefined) {
		throw new RuntimeError("init", "the init broke the protocol: a mount that has no id mapping");
	}
	const { uid, gid, recursive } = idmap;
	const map: MountIdMap = uid && gid ? { uidMap: lines(uid), gidMap: lines(gid) } : { pid };
	try {
		native.mapMount({ fd: message.fd, recursive, ...map });
	} catch (error) {
		const { syscall, errno, code, detail } = error as NativeFailure;
		if (code === undefined) throw error;
		throw explainFailure(plan, { step: message.step, syscall, errno, code, ...(detail ? { detail } : {}) });
	} finally {
		native.close({ fd: message.fd });
	}
}

function idmapOf(step: InitStep) {
	return step.op === "mount.bind" || step.op === "mount.filesystem" ? step.idmap : undefined;
}

function lines(ranges: IdRange[]): string {
	return ranges.map((range) => `${range.join(" ")}\n`).join("");
}
