/** Who gets the container's cgroup: "Cgroup ownership" of config-linux.md. */
import t from "tap";
import type { Spec } from "../../src/bundle/spec.js";
import { compileCgroup } from "../../src/cgroup/compile.js";
import type { CgroupLayout } from "../../src/cgroup/layout.js";
import { hostStep } from "../../src/plan/schema.js";

const v2: CgroupLayout = { mode: "v2", v1: [], unified: "/v2" };
const v1: CgroupLayout = {
	mode: "v1",
	v1: [{ controllers: ["devices"], path: "/v1/devices", root: "/" }],
};

interface Case {
	uid?: number;
	namespaces?: NonNullable<Spec["linux"]>["namespaces"];
	options?: string[];
	destination?: string;
	layout?: CgroupLayout;
	euid?: number;
	uidMappings?: NonNullable<Spec["linux"]>["uidMappings"];
}

/** Uid that the cgroup is given to; undefined when it is not given away. */
function owner(given: Case): number | undefined {
	const { uid = 0, namespaces = [{ type: "cgroup" }, { type: "user" }], options = ["rw"], euid = 0 } = given;
	const uidMappings = given.uidMappings ?? [{ containerID: 0, hostID: 100000, size: 1000 }];
	const spec: Spec = {
		ociVersion: "1.3.0",
		root: { path: "r" },
		process: { args: ["x"], cwd: "/", user: { uid, gid: 0 } },
		mounts: [{ destination: given.destination ?? "/sys/fs/cgroup", type: "cgroup", options }],
		linux: { cgroupsPath: "/p", namespaces, uidMappings },
	};
	const { host } = compileCgroup({ id: "c", spec, layout: given.layout ?? v2, privileged: true, euid });
	const index = host.findIndex(({ op }) => op === "cgroup.delegate");
	if (index < 0) return undefined;
	if (index !== host.length - 1) throw new Error("nothing is written after it is given away");
	const step = hostStep.parse(host[index]);
	if (step.op !== "cgroup.delegate" || step.path !== "/v2/p") throw new Error("another directory");
	return step.uid;
}

t.test("on v2, with a cgroup namespace and a writable mount", async (t) => {
	t.equal(owner({}), 100000, "root of the container");
	t.equal(owner({ uid: 7 }), 100007, "whoever the process runs as");
	t.equal(owner({ options: [] }), 100000, "a mount is writable unless it says otherwise");
	t.equal(owner({ options: ["ro", "rw"] }), 100000, "the last word counts");
	t.equal(owner({ destination: "/sys/fs/cgroup/" }), 100000);
	t.equal(owner({ uid: 1000, namespaces: [{ type: "cgroup" }] }), 1000, "without a user namespace ids are the host's");
});

t.test("otherwise it stays the runtime's", async (t) => {
	const kept: [string, Case][] = [
		["v1", { layout: v1 }],
		["no cgroup namespace", { namespaces: [{ type: "user" }] }],
		["somebody else's", { namespaces: [{ type: "user" }, { type: "cgroup", path: "/proc/1/ns/cgroup" }] }],
		["read-only", { options: ["ro"] }],
		["recursively read-only", { options: ["rro"] }],
		["mounted elsewhere", { destination: "/cgroups" }],
		["a user that is not mapped", { uid: 5000 }],
		["a user namespace that was joined", { uidMappings: [] }],
		["root on the host has it already", { namespaces: [{ type: "cgroup" }] }],
		["an ordinary user can't give files away", { euid: 1000 }],
	];
	for (const [name, given] of kept) t.equal(owner(given), undefined, name);
});
