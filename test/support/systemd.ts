/** What systemd says about a unit, for tests of the systemd cgroup driver. */
import { execFileSync, spawnSync } from "node:child_process";
import { existsSync, mkdirSync, readFileSync } from "node:fs";
import type { Edit } from "./bundle.js";
import { cgroups, hostMounts, removeCgroups } from "./leaks.js";
import { Runtime } from "./runtime.js";
import { Container, type Workspace } from "./workspace.js";

/** Why tests of it are skipped, or false where systemd is PID 1 (sd_booted(3)). */
export const noSystemd: string | false = existsSync("/run/systemd/system")
	? false
	: "systemd is not PID 1 of this host: run make test-vm";

/** Of cgroup v2 alone; otherwise there are hierarchies of v1. */
export const unified = hostMounts().find(({ point, type }) => type === "cgroup2" && point === "/sys/fs/cgroup");

export function systemctl(...args: string[]): string {
	return spawnSync("systemctl", args, { encoding: "utf8" }).stdout.trim();
}

export function daemonReload(): void {
	execFileSync("systemctl", ["daemon-reload"]);
}

/** Properties of a unit as `systemctl show` has them; a list is one line. */
export function properties<Name extends string>(unit: string, ...names: Name[]): Record<Name, string> {
	const shown = {} as Record<Name, string>;
	for (const line of systemctl("show", "--property", names.join(","), unit).split("\n")) {
		const [name = "", ...value] = line.split("=");
		const before = shown[name as Name];
		shown[name as Name] = before === undefined ? value.join("=") : `${before}, ${value.join("=")}`;
	}
	return shown;
}

/** Units that systemd knows of, failed ones too, with `token` in their names. */
export function units(token: string, ...manager: string[]): string[] {
	const all = systemctl(...manager, "list-units", "--all", "--plain", "--no-legend", "--full");
	return all.split("\n").filter((line) => line.includes(token));
}

/** The cgroup that a process has for a controller, as a directory. */
export function cgroupOf(pid: number, controller: string): string {
	for (const line of readFileSync(`/proc/${pid}/cgroup`, "utf8").trim().split("\n")) {
		const [, controllers = "", path = ""] = /^\d+:([^:]*):(.*)$/.exec(line) ?? [];
		const mine = unified === undefined ? controllers.split(",").includes(controller) : controllers === "";
		if (!mine) continue;
		const mount = hostMounts().find(({ type, superblock }) =>
			unified === undefined ? type === "cgroup" && superblock.includes(controller) : type === "cgroup2",
		);
		if (mount) return `${mount.point}${path}`;
	}
	throw new Error(`process ${pid} has no cgroup of ${controller}`);
}

/**
 * Stops the slices of a workspace, and returns what is then left of them. On v1 the directories in hierarchies that systemd
 * leaves alone are removed here: parents of a container's cgroup are not the runtime's to remove.
 */
export function removeSlices({ token }: Workspace): string[] {
	systemctl("stop", `${token}.slice`);
	if (unified === undefined) removeCgroups(token);
	return [...units(token), ...cgroups(token)];
}

/** systemctl of the guest's ordinary user. */
export function userSystemd(...args: string[]): string {
	const result = spawnSync("as-user", ["systemctl", "--user", ...args], { encoding: "utf8" });
	return result.stdout.trim();
}

/** A container of a workspace that is made with `--systemd-cgroup`. */
export function inUnit(space: Workspace, edit: Edit = () => {}): Container {
	const plain = space.container(edit);
	const scratch = space.path(`io-${plain.id}`);
	mkdirSync(scratch);
	const program = [...space.runtime.program, "--systemd-cgroup"];
	return new Container(plain.id, plain.bundle, new Runtime(space.root, scratch, [], program));
}
