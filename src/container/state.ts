/** `state`: what the specification calls the state of a container, with runc's additions. */
import type { Native } from "../native/api.js";
import type { Place } from "./place.js";
import type { ContainerRecord } from "./record.js";
import type { Status } from "./status.js";
import { containerStatus } from "./status.js";
import type { StateDirectory } from "./store.js";
import { loadRecord, locate } from "./store.js";

/** In the order in which runc prints it. */
export interface ContainerState {
	ociVersion: string;
	id: string;
	/** 0 when stopped. */
	pid: number;
	status: Status;
	bundle: string;
	rootfs: string;
	created: string;
	annotations?: Record<string, string>;
	/** Name of the user that the state directory belongs to; only `list` fills it in, as with runc. */
	owner: string;
}

export function state(native: Native, request: Place & { id: string }): ContainerState {
	const directory = locate(native, request, request.id);
	return describe(native, directory, loadRecord(native, directory), "");
}

export function describe(
	native: Native,
	directory: StateDirectory,
	record: ContainerRecord,
	owner: string,
): ContainerState {
	const status = containerStatus(native, directory, record);
	const { ociVersion, bundle, annotations } = record.runtime_ts;
	return {
		ociVersion,
		id: record.id,
		pid: status === "stopped" ? 0 : record.init_process_pid,
		status,
		bundle,
		rootfs: record.config.rootfs,
		created: record.created,
		...(annotations === undefined ? {} : { annotations }),
		owner,
	};
}
