import type { GlobalOptions } from "./table.js";

/** Who makes the cgroup. `--cgroup-manager` is crun's word for it, and says more than `--systemd-cgroup`, runc's. */
export function cgroupDriver(global: GlobalOptions): { systemdCgroup: boolean; noCgroup?: boolean } {
	const manager = global["cgroup-manager"];
	if (manager === "disabled") return { systemdCgroup: false, noCgroup: true };
	return { systemdCgroup: manager === undefined ? global["systemd-cgroup"] === true : manager === "systemd" };
}
