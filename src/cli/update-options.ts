/** The options of `update`: names are runc's. Values are texts, because 64-bit numbers and sizes with units are among them. */
import type { OptionSpec } from "./table.js";

const count = () => ({ kind: "text", placeholder: "N" }) as const;
const microseconds = () => ({ kind: "text", placeholder: "MICROSECONDS" }) as const;
const list = () => ({ kind: "text", placeholder: "LIST" }) as const;
const size = () => ({ kind: "text", placeholder: "SIZE" }) as const;
const schema = () => ({ kind: "text", placeholder: "SCHEMA" }) as const;

export const updateOptions = () =>
	[
		{
			name: "resources",
			alias: "r",
			kind: "text",
			placeholder: "FILE",
			completes: "file",
			summary: "take the values from FILE, or standard input (-): JSON of the form of linux.resources",
		},
		{ name: "blkio-weight", ...count(), summary: "weight of block I/O, 10 to 1000" },
		{ name: "cpu-period", ...microseconds(), summary: "period of the CPU quota" },
		{ name: "cpu-quota", ...microseconds(), summary: "CPU time in each period; -1: no limit" },
		{ name: "cpu-burst", ...microseconds(), summary: "unused CPU time that may be saved up for later periods" },
		{ name: "cpu-share", ...count(), summary: "CPU shares, relative to other containers (2 to 262144)" },
		{ name: "cpu-rt-period", ...microseconds(), summary: "period of the real-time budget; cgroup v1" },
		{ name: "cpu-rt-runtime", ...microseconds(), summary: "real-time budget in each period; cgroup v1" },
		{ name: "cpuset-cpus", ...list(), summary: "CPUs to run on, like 0-3,7" },
		{ name: "cpuset-mems", ...list(), summary: "memory nodes to use" },
		{ name: "cpu-idle", ...count(), summary: "1: run only when nothing else wants to; 0: as usual" },
		{ name: "memory", ...size(), summary: "memory limit; -1: none" },
		{ name: "memory-reservation", ...size(), summary: "memory that is kept when memory is short; -1: no limit" },
		{ name: "memory-swap", ...size(), summary: "limit of memory and swap together; -1: none" },
		{ name: "kernel-memory", ...size(), summary: "refused, since Linux 5.16 has no such limit" },
		{ name: "kernel-memory-tcp", ...size(), summary: "limit of TCP buffers; cgroup v1" },
		{ name: "pids-limit", ...count(), summary: "largest number of tasks; -1: no limit" },
		{ name: "l3-cache-schema", ...schema(), summary: "Intel RDT: the line for the L3 cache, like L3:0=ff;1=f" },
		{ name: "mem-bw-schema", ...schema(), summary: "Intel RDT: the line for memory bandwidth, like MB:0=50" },
	] as const satisfies readonly OptionSpec[];
