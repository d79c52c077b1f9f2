/** The control files of a container's cgroup, on whichever layout this host has. */
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { hostMounts } from "./leaks.js";

const mounts = hostMounts();
const hierarchies = mounts.filter(({ type }) => type === "cgroup");
const unified = mounts.find(({ type }) => type === "cgroup2");
const controlled = hierarchies.some(({ superblock }) => superblock.includes("memory") || superblock.includes("pids"));

/** Limits are files of v1 where a hierarchy of v1 has controllers. */
export const layout: "v1" | "v2" = controlled ? "v1" : "v2";

/** Where the controller's cgroups are; undefined where this host has none. */
export function hierarchyOf(controller: string): string | undefined {
	if (layout === "v1") return hierarchies.find(({ superblock }) => superblock.includes(controller))?.point;
	if (unified === undefined) return undefined;
	const there = readFileSync(`${unified.point}/cgroup.controllers`, "utf8").trim().split(" ");
	return controller === "" || there.includes(controller) ? unified.point : undefined;
}

/** Content of a control file, without the newline at its end. */
export function controlFile(controller: string, cgroup: string, file: string): string {
	return readFileSync(`${hierarchyOf(controller)}${cgroup}/${file}`, "utf8").trim();
}

export function hasControlFile(controller: string, cgroup: string, file: string): boolean {
	return existsSync(`${hierarchyOf(controller)}${cgroup}/${file}`);
}

/** `major:minor` of a disk, which block I/O can be limited of; undefined where there is none. */
export function diskNumbers(): string | undefined {
	const disk = readdirSync("/sys/block").find((name) => /^(vd|sd|nvme|xvd)/.test(name));
	return disk === undefined ? undefined : readFileSync(`/sys/block/${disk}/dev`, "utf8").trim();
}
