/** `events`: statistics of a container, once or again and again, and that it ran out of memory. */
import type { Stats } from "../cgroup/stats/types.js";
import { RuntimeError } from "../errors.js";
import type { Native } from "../native/api.js";
import { watchOutOfMemory } from "./out-of-memory.js";
import type { Place } from "./place.js";
import type { ContainerRecord } from "./record.js";
import { readStats } from "./stats.js";
import { openInit } from "./status.js";
import { loadRecord, locate } from "./store.js";

export type ContainerEvent = { type: "stats"; id: string; data: Stats } | { type: "oom"; id: string };

export interface StatsRequest extends Place {
	id: string;
}

export interface EventsRequest extends StatsRequest {
	/** Milliseconds from one set of statistics to the next; the first one comes after the first interval. */
	intervalMs: number;
	/** Descriptor that the events are written to: that nobody reads it any more ends them. */
	output: number;
	onEvent(event: ContainerEvent): void;
	onNotice(message: string): void;
}

export function statsOnce(native: Native, request: StatsRequest): ContainerEvent {
	const { record, pidfd } = open(native, request);
	native.close({ fd: pidfd });
	return { type: "stats", id: record.id, data: readStats(native, record) };
}

/** Comes back when the container has stopped. */
export function followEvents(native: Native, request: EventsRequest): void {
	const { intervalMs, output, onEvent } = request;
	const { record, pidfd } = open(native, request);
	const { id } = record;
	const memory = watchOutOfMemory(native, record.cgroup_paths);
	if (memory === undefined) {
		request.onNotice(`no oom events: container ${id} has no cgroup with the memory controller`);
	}
	const opened = memory === undefined ? [pidfd] : [pidfd, memory.fd];
	try {
		let next = performance.now() + intervalMs;
		for (;;) {
			const left = Math.max(0, Math.ceil(next - performance.now()));
			const ready = native.waitEvents({
				events: memory === undefined ? [] : [memory.fd],
				pidfd,
				output,
				timeoutMs: Math.min(left, 0x7fff_ffff),
			});
			if (ready.some(({ fd }) => fd === output)) return;
			// Also the last word of a container that was killed for its memory.
			if (memory?.happened(ready)) onEvent({ type: "oom", id });
			if (ready.some(({ fd }) => fd === pidfd)) return;
			const now = performance.now();
			if (now < next) continue;
			onEvent({ type: "stats", id, data: readStats(native, record) });
			// One that came late does not make the others late, and none is made up for.
			next += intervalMs * Math.max(1, Math.ceil((now - next) / intervalMs));
		}
	} finally {
		for (const fd of opened) native.close({ fd });
	}
}

function open(native: Native, request: StatsRequest): { record: ContainerRecord; pidfd: number } {
	const record = loadRecord(native, locate(native, request, request.id));
	const pidfd = openInit(native, record);
	if (pidfd === undefined) throw new RuntimeError("container.state", `container with id ${record.id} is not running`);
	return { record, pidfd };
}
