/** Options that several of create, run and restore have. */
import type { OptionSpec } from "./table.js";

export const bundle = () =>
	({
		name: "bundle",
		alias: "b",
		kind: "text",
		placeholder: "DIR",
		completes: "directory",
		summary: "the bundle directory (default: the working directory)",
	}) as const satisfies OptionSpec;

export const consoleSocket = () =>
	({
		name: "console-socket",
		kind: "text",
		placeholder: "PATH",
		completes: "file",
		summary: "AF_UNIX socket that receives the master of the console's pseudoterminal",
	}) as const satisfies OptionSpec;

export const pidFile = () =>
	({
		name: "pid-file",
		kind: "text",
		placeholder: "FILE",
		completes: "file",
		summary: "write the process id to FILE",
	}) as const satisfies OptionSpec;

export const detach = () =>
	({
		name: "detach",
		alias: "d",
		kind: "flag",
		summary: "do not wait for the container's process",
	}) as const satisfies OptionSpec;

export const noSubreaper = () =>
	({
		name: "no-subreaper",
		kind: "flag",
		summary: "do not become the parent of the container's orphans",
	}) as const satisfies OptionSpec;
