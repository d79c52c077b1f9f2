/**
 * What this build does with config.json, found out by asking the code that would do it: a word of the schema, or a
 * property, is supported unless the rules or the compiler of plans refuse it. So the features document says what is
 * true, and says it of a new feature as soon as the line that refuses it has gone.
 */
import { checkRules } from "../bundle/rules/rules.js";
import type { Linux, Mount, Process, Spec } from "../bundle/spec.js";
import type { CgroupLayout } from "../cgroup/layout.js";
import { RuntimeError } from "../errors.js";
import { compilePlan } from "../plan/compile.js";
import type { CreateOptions, HostFacts } from "../plan/input.js";

/** Every hierarchy there can be: a feature is what the build can do, whatever this host has. */
const controllers = [
	"cpu",
	"cpuacct",
	"cpuset",
	"memory",
	"devices",
	"pids",
	"blkio",
	"hugetlb",
	"net_cls",
	"net_prio",
	"rdma",
	"freezer",
	"perf_event",
	"misc",
	"name=systemd",
];
const layouts: readonly CgroupLayout[] = [
	{ mode: "v1", v1: controllers.map((name) => ({ controllers: [name], path: `/sys/fs/cgroup/${name}`, root: "/" })) },
	{ mode: "v2", v1: [], unified: "/sys/fs/cgroup" },
];

const options: CreateOptions = {
	noPivot: false,
	noNewKeyring: false,
	preserveFds: 0,
	startVia: "socket",
	mountedRoot: "/run/probe/mounts/rootfs",
	systemdCgroup: false,
	listenFds: 0,
	trace: false,
};

export interface Probe {
	linux?: Linux;
	process?: Partial<Process>;
	mounts?: Mount[];
	/** Of the command that makes the container. */
	options?: Partial<CreateOptions>;
	/** Not root. */
	rootless?: boolean;
}

function refuses(spec: Spec, probe: Probe, cgroup: CgroupLayout): boolean {
	const host: HostFacts = {
		cgroup,
		capabilities: [],
		euid: probe.rootless ? 1000 : 0,
		egid: probe.rootless ? 1000 : 0,
		initialUserNamespace: true,
		timeNamespaces: true,
		apparmor: true,
		selinux: true,
		systemd: { user: probe.rootless === true, bus: [], version: 252, controlGroup: "" },
	};
	try {
		const bundle = { path: "/", rootfs: "/", spec, warnings: [] };
		compilePlan({ id: "probe", bundle, host, options: { ...options, ...probe.options } });
		return false;
	} catch (error) {
		if (!(error instanceof RuntimeError)) throw error;
		// Only what is said of options: that this imaginary host lacks something is no statement about a property.
		if (error.code === "host.unsupported") return probe.options !== undefined;
		return error.code === "config.unsupported";
	}
}

/** True when a configuration with these parts is taken, on v1 or on v2. They have to be good ones. */
export function isSupported(probe: Probe): boolean {
	const spec: Spec = {
		ociVersion: "1.3.0",
		root: { path: "/" },
		process: { cwd: "/", args: ["/init"], ...probe.process },
		mounts: probe.mounts ?? [],
		linux: { namespaces: [{ type: "mount" }, { type: "network" }], cgroupsPath: "/probe", ...probe.linux },
	};
	if (checkRules(spec).some(({ severity }) => severity === "error")) return false;
	return layouts.some((layout) => !refuses(spec, probe, layout));
}
