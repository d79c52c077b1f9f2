/** What is said about annotations of this runtime and of crun's. */
import type { Bent, Case } from "./base.js";

const annotated = (name: string, value: string) => (c: Bent) => (c.annotations = { [name]: value });
const at = (name: string) => `config.json#/annotations/${name}`;

export const BAD_ANNOTATIONS: Case[] = [
	[
		"a handler",
		annotated("run.oci.handler", "krun"),
		`${at("run.oci.handler")}: no handler "krun": programs are run by the kernel, in namespaces, and in no other way`,
	],
	["no handler", annotated("run.oci.handler", "")],
	[
		"a pidfd receiver without a place",
		annotated("run.oci.pidfd_receiver", "sock"),
		`${at("run.oci.pidfd_receiver")}: expected an absolute path; found "sock"`,
	],
	[
		"an unknown mount context",
		annotated("run.oci.mount_context_type", "noncontext"),
		`${at("run.oci.mount_context_type")}: expected one of context, fscontext, defcontext, rootcontext; found "noncontext"`,
	],
	["a mount context", annotated("run.oci.mount_context_type", "rootcontext")],
	[
		"a subgroup of systemd's",
		annotated("run.oci.systemd.subgroup", "container"),
		`warning: ${at("run.oci.systemd.subgroup")}: has no effect: the process is in the unit's own cgroup, as with runc`,
	],
	["no subgroup of systemd's, which is what there is", annotated("run.oci.systemd.subgroup", "")],
	[
		"a delegated cgroup",
		annotated("run.oci.delegate-cgroup", "payload"),
		`warning: ${at("run.oci.delegate-cgroup")}: has no effect: with a cgroup namespace of its own the container may manage its cgroup, as with runc`,
	],
	[
		"cgroup v1 by force",
		annotated("run.oci.systemd.force_cgroup_v1", "/sys/fs/cgroup"),
		`warning: ${at("run.oci.systemd.force_cgroup_v1")}: has no effect: a mount of type cgroup in the container is what the host has`,
	],
	[
		"a seccomp receiver",
		annotated("run.oci.seccomp.receiver", "/run/agent"),
		`warning: ${at("run.oci.seccomp.receiver")}: has no effect: linux.seccomp.listenerPath names the receiver`,
	],
	[
		"seccomp plugins",
		annotated("run.oci.seccomp.plugins", "a.so"),
		`warning: ${at("run.oci.seccomp.plugins")}: has no effect: a program that listens on linux.seccomp.listenerPath takes the place of a plugin`,
	],
	[
		"WebAssembly",
		annotated("module.wasm.image/variant", "compat"),
		`warning: ${at("module.wasm.image~1variant")}: has no effect: args[0] has to be a program that the kernel can execute`,
	],
];
