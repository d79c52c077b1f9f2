/**
 * Which process `exec` runs: the one of a process.json, or the container's own with other arguments; on top of it the
 * options of the command line; and from the container what is left open, as runc has it.
 */
import { CAPABILITIES } from "../bundle/capabilities.js";
import { RuntimeError } from "../errors.js";
import type { Process } from "./context.js";
import { restoreProcess, restoreRlimits, restoreScheduler } from "./exec-defaults.js";
import type { SavedProcess } from "./exec-schema.js";

/** Of the command line; what is absent or empty was not given. */
export interface ExecOptions {
	args: readonly string[];
	cwd?: string;
	env?: readonly string[];
	tty?: boolean;
	/** UID[:GID] */
	user?: string;
	additionalGids?: readonly string[];
	/** Names, added to the bounding, effective and permitted sets. */
	capabilities?: readonly string[];
	noNewPrivileges?: boolean;
	apparmorProfile?: string;
	selinuxLabel?: string;
}

export interface ExecProcess {
	process: Process;
	/** Where a value comes from, for messages: `--user`, `process.json#/user`, `config.json#/process/user`. */
	origin(pointer: string): string;
}

/** `file`: of `--process`, checked already. */
export function execProcess(saved: SavedProcess, file: Process | undefined, options: ExecOptions): ExecProcess {
	const process = file ?? restoreProcess(saved);
	const origins: Record<string, string> = {};
	if (file !== undefined) {
		if (options.args.length > 0) {
			throw new RuntimeError("usage", "--process names the program; it can't be given as an argument, too");
		}
		inherit(process, saved, origins);
	} else if (options.args.length === 0) {
		throw new RuntimeError("usage", "exec args cannot be empty");
	} else {
		process.args = options.args as string[];
		origins.args = "arguments";
		process.terminal = options.tty === true;
		origins.terminal = "--tty";
	}
	override(process, options, origins);
	return { process, origin: (pointer) => originOf(pointer, origins, file !== undefined) };
}

/** An origin: the container's own config.json, where there is a process.json. */
const container = "container";

/** In config.json, unless it is of the process: that is what a process.json is about. */
function originOf(pointer: string, origins: Record<string, string>, fromFile: boolean): string {
	const start = "/process/";
	if (!pointer.startsWith(start)) return `config.json#${pointer}`;
	const rest = pointer.slice(start.length);
	const property = rest.split("/")[0] ?? "";
	if (origins[property] === container) return `config.json#${pointer}`;
	return origins[property] ?? (fromFile ? `process.json#/${rest}` : `config.json#${pointer}`);
}

/** What a process.json leaves open is as the container has it. no_new_privs is not: a process.json without it says no. */
function inherit(process: Process, saved: SavedProcess, origins: Record<string, string>): void {
	const take = (property: keyof SavedProcess): void => {
		origins[property] = container;
	};
	if (process.capabilities === undefined && saved.capabilities !== undefined) {
		take("capabilities");
		process.capabilities = saved.capabilities as NonNullable<Process["capabilities"]>;
	}
	if (!process.rlimits?.length && saved.rlimits !== undefined) {
		take("rlimits");
		process.rlimits = restoreRlimits(saved.rlimits);
	}
	if (!process.apparmorProfile && saved.apparmorProfile !== undefined) {
		take("apparmorProfile");
		process.apparmorProfile = saved.apparmorProfile;
	}
	if (!process.selinuxLabel && saved.selinuxLabel !== undefined) {
		take("selinuxLabel");
		process.selinuxLabel = saved.selinuxLabel;
	}
	if (process.oomScoreAdj === undefined && saved.oomScoreAdj !== undefined) {
		take("oomScoreAdj");
		process.oomScoreAdj = saved.oomScoreAdj;
	}
	if (process.scheduler === undefined && saved.scheduler !== undefined) {
		take("scheduler");
		process.scheduler = restoreScheduler(saved.scheduler);
	}
	if (process.ioPriority === undefined && saved.ioPriority !== undefined) {
		take("ioPriority");
		process.ioPriority = saved.ioPriority as NonNullable<Process["ioPriority"]>;
	}
	if (process.execCPUAffinity === undefined && saved.execCPUAffinity !== undefined) {
		take("execCPUAffinity");
		process.execCPUAffinity = saved.execCPUAffinity as NonNullable<Process["execCPUAffinity"]>;
	}
	const umask = saved.user?.umask;
	if (umask !== undefined && process.user !== undefined && process.user.umask === undefined) {
		process.user.umask = umask;
	}
}

function override(process: Process, options: ExecOptions, origins: Record<string, string>): void {
	if (options.cwd) {
		if (!options.cwd.startsWith("/")) throw new RuntimeError("usage", "Cwd must be an absolute path");
		process.cwd = options.cwd;
		origins.cwd = "--cwd";
	}
	if (options.tty) {
		process.terminal = true;
		origins.terminal = "--tty";
	}
	if (options.apparmorProfile) {
		process.apparmorProfile = options.apparmorProfile;
		origins.apparmorProfile = "--apparmor";
	}
	if (options.selinuxLabel) {
		process.selinuxLabel = options.selinuxLabel;
		origins.selinuxLabel = "--process-label";
	}
	if (options.noNewPrivileges !== undefined) {
		process.noNewPrivileges = options.noNewPrivileges;
		origins.noNewPrivileges = "--no-new-privs";
	}
	if (options.env?.length) addVariables(process, options.env);
	if (options.capabilities?.length) addCapabilities(process, options.capabilities, origins);
	if (options.user) setUser(process, options.user, origins);
	if (options.additionalGids?.length) addGroups(process, options.additionalGids, origins);
}

/** runc's refusal: a name alone, which for Docker is the caller's variable, would be a variable without a value. */
function addVariables(process: Process, variables: readonly string[]): void {
	for (let index = 0; index < variables.length; index++) {
		const variable = variables[index] as string;
		if (variable.indexOf("=") > 0) continue;
		throw new RuntimeError("usage", `invalid environment variable: ${JSON.stringify(variable)}`, {
			hint: "--env takes NAME=VALUE; nothing is taken from the caller's environment",
		});
	}
	process.env = (process.env ?? []).concat(variables);
}

/**
 * Not to the inheritable set, which would outlive a change of user (CVE-2022-29162), and so not to the ambient one either,
 * which has to be within it.
 */
function addCapabilities(process: Process, names: readonly string[], origins: Record<string, string>): void {
	const added = names.map((name) => {
		const upper = name.toUpperCase();
		const full = upper.startsWith("CAP_") ? upper : `CAP_${upper}`;
		if (!CAPABILITIES.includes(full)) {
			throw new RuntimeError("usage", `unknown capability ${JSON.stringify(name)}`, {
				hint: "names are those of capabilities(7), such as CAP_NET_ADMIN",
			});
		}
		return full;
	});
	const { bounding = [], effective = [], permitted = [], ...others } = process.capabilities ?? {};
	process.capabilities = {
		...others,
		bounding: [...bounding, ...added],
		effective: [...effective, ...added],
		permitted: [...permitted, ...added],
	};
	origins.capabilities = "--cap";
}

/** A group that is not given stays what it was; so do the additional ones. */
function setUser(process: Process, text: string, origins: Record<string, string>): void {
	const colon = text.indexOf(":");
	const uid = readId(colon < 0 ? text : text.slice(0, colon), "uid");
	const gid = colon < 0 ? (process.user?.gid ?? 0) : readId(text.slice(colon + 1), "gid");
	process.user = { ...process.user, uid, gid };
	origins.user = "--user";
}

function addGroups(process: Process, groups: readonly string[], origins: Record<string, string>): void {
	const { user = { uid: 0, gid: 0 } } = process;
	const added = groups.map((group) => readId(group, "additional gid"));
	process.user = { ...user, additionalGids: [...(user.additionalGids ?? []), ...added] };
	origins.user ??= "--additional-gids";
}

/** One id too many: as -1 it means "leave it as it is" to setresuid(2), which would leave root (CVE-2026-30892). */
const noId = 4_294_967_295;

/** Decimal digits and nothing else: what can't be read must never end as user 0. */
function readId(text: string, what: string): number {
	const id = /^[0-9]{1,10}$/.test(text) ? Number(text) : noId;
	if (id < noId) return id;
	throw new RuntimeError("usage", `bad ${what}: ${JSON.stringify(text)} is not a number from 0 to ${noId - 1}`, {
		hint: "names are not looked up, since the container's /etc/passwd is not to be trusted: the format is UID[:GID]",
	});
}
