/** Annotations of crun's that change what crun does, and that this runtime does not follow: each is told, none is passed over. */
import type { Spec } from "../spec.js";
import type { Report } from "./report.js";

/** What to do instead, by name. Switched off by the empty string. */
const FOREIGN: readonly (readonly [name: string, advice: string])[] = [
	["run.oci.seccomp.receiver", "linux.seccomp.listenerPath names the receiver"],
	["run.oci.seccomp.plugins", "a program that listens on linux.seccomp.listenerPath takes the place of a plugin"],
	["run.oci.systemd.force_cgroup_v1", "a mount of type cgroup in the container is what the host has"],
	["run.oci.systemd.subgroup", "the process is in the unit's own cgroup, as with runc"],
	["run.oci.delegate-cgroup", "with a cgroup namespace of its own the container may manage its cgroup, as with runc"],
	["module.wasm.image/variant", "args[0] has to be a program that the kernel can execute"],
];

/** Set, it asks for another way to run the program (a virtual machine, WebAssembly) than this runtime has. */
const HANDLER = "run.oci.handler";

export function checkForeignAnnotations({ annotations = {} }: Spec, report: Report): void {
	for (let index = 0; index < FOREIGN.length; index++) {
		const [name, advice] = FOREIGN[index] as (typeof FOREIGN)[number];
		if (annotations[name]) report.warning(`/annotations/${name.replace("/", "~1")}`, `has no effect: ${advice}`);
	}
	const handler = annotations[HANDLER];
	// Without it the program would run, but not in the isolation that was asked for.
	if (handler) {
		report.error(
			`/annotations/${HANDLER}`,
			`no handler ${JSON.stringify(handler)}: programs are run by the kernel, in namespaces, and in no other way`,
		);
	}
}
