/**
 * The compiler: one bundle, the facts of one host, the options of one command, and out comes everything that is going
 * to happen. A pure function; `create` executes what it returns, `explain` prints it.
 */
import type { Bundle } from "../bundle/load.js";
import { compileCgroup } from "../cgroup/compile.js";
import { RuntimeError } from "../errors.js";
import type { Context } from "./context.js";
import { populateDev } from "./devices.js";
import { compileEnvironment, notifyDestination } from "./environment.js";
import { createContainerHooks, runtimeHooks } from "./hooks.js";
import { awaitIdMaps, writeIdMaps } from "./idmap.js";
import type { CreateOptions, HostFacts } from "./input.js";
import { compileMount } from "./mounts.js";
import { bringUpLoopback, enterNamespaces, joinKeyring, readNamespaces } from "./namespaces.js";
import { protectPaths } from "./paths.js";
import { becomeProcess, createConsole, setOomScore } from "./process.js";
import { compileRlimits } from "./rlimits.js";
import { createWorkingDirectory, enterRoot, makeReadonly, openRoot, requireMountNamespace } from "./root.js";
import type { InitStep, Plan } from "./schema.js";
import { compileSeccomp } from "./seccomp.js";
import { writeSysctls } from "./sysctl.js";
import { setNames } from "./uts.js";

export interface PlanInput {
	id: string;
	bundle: Bundle;
	host: HostFacts;
	options: CreateOptions;
}

export function compilePlan({ id, bundle, host, options }: PlanInput): Plan {
	const { spec } = bundle;
	if (options.systemdCgroup) {
		throw new RuntimeError(
			"host.unsupported",
			"systemd cgroup flag passed, but systemd support for managing cgroups is not available",
		);
	}
	const privileged = host.euid === 0 && host.initialUserNamespace;
	const optional = options.rootless ?? !privileged;
	const cgroup = compileCgroup({ id, spec, layout: host.cgroup, privileged, optional });
	const warnings = [...cgroup.warnings];
	const context: Context = {
		id,
		bundle,
		spec,
		linux: spec.linux ?? {},
		process: spec.process,
		host,
		options,
		namespaces: readNamespaces(spec),
		cgroups: cgroup.cgroups,
		warn: (at, message) => warnings.push({ at, message }),
	};
	requireMountNamespace(context);
	const init = compileInit(context);
	const { seccomp } = context.linux;
	return {
		version: 1,
		id,
		bundle: bundle.path,
		rootfs: bundle.rootfs,
		host: [...cgroup.host, ...writeIdMaps(context)],
		cgroups: cgroup.cgroups,
		init,
		...(seccomp ? { seccomp: compileSeccomp(seccomp) } : {}),
		...(options.trace ? { trace: true } : {}),
		warnings,
	};
}

/** runc's order, on which callers, hooks and profiles depend. */
function compileInit(context: Context): InitStep[] {
	const environment = compileEnvironment(context);
	const rlimits = compileRlimits(context);
	const cgroup = new CgroupEntry(context);
	const mounts = compileMounts(context, cgroup);
	const hooks = [...runtimeHooks(context), ...createContainerHooks(context)];
	return [
		...setOomScore(context),
		...rlimits.hard,
		...enterNamespaces(context),
		...awaitIdMaps(context),
		...joinKeyring(context),
		...bringUpLoopback(context),
		openRoot(context),
		...mounts.steps,
		...populateDev(context),
		// A hook may look for the process in its cgroup.
		...(hooks.length > 0 ? cgroup.enter() : []),
		...hooks,
		...createConsole(context),
		...cgroup.enter(),
		...enterRoot(context),
		...createWorkingDirectory(context),
		...mounts.late,
		...makeReadonly(context),
		...setNames(context),
		...writeSysctls(context),
		...protectPaths(context),
		...becomeProcess(context, environment, rlimits.exact),
	];
}

function compileMounts(context: Context, cgroup: CgroupEntry): { steps: InitStep[]; late: InitStep[] } {
	const steps: InitStep[] = [];
	const late: InitStep[] = [];
	for (const [index, mount] of (context.spec.mounts ?? []).entries()) {
		const compiled = compileMount(context, mount, index);
		if (compiled.needsCgroup) steps.push(...cgroup.enter());
		steps.push(...compiled.steps);
		late.push(...compiled.late);
	}
	const { notifyDirectory } = context.options;
	if (notifyDirectory !== undefined) {
		steps.push({
			op: "mount.bind",
			destination: notifyDestination,
			source: notifyDirectory,
			tree: false,
			attributes: { set: ["rdonly", "nosuid", "nodev", "noexec"] },
		});
	}
	return { steps, late };
}

/**
 * Entering the cgroup, and then its namespace, whose root is the cgroup one is in. The engine makes the directories
 * while the init mounts, so the init asks for them as late as it can: when the first thing needs them.
 */
class CgroupEntry {
	#entered = false;
	readonly #steps: InitStep[] = [];

	constructor({ host, cgroups, namespaces }: Context) {
		// On v2 the clone has put the process there already (CLONE_INTO_CGROUP, Linux 5.7).
		if (host.cgroup.mode !== "v2" && cgroups.length > 0)
			this.#steps.push({ op: "cgroup.join", at: "/linux/cgroupsPath" });
		const at = namespaces.created.get("cgroup");
		if (at !== undefined) this.#steps.push({ op: "namespace.unshare", at, namespaces: ["cgroup"] });
	}

	/** The steps, the first time. */
	enter(): InitStep[] {
		if (this.#entered) return [];
		this.#entered = true;
		return this.#steps;
	}
}
