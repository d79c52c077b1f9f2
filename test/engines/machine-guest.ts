/**
 * The project's guest as a lane's machine (test/vm): systemd is its first process, the cgroups are of v2, and root may
 * everything. Nothing has to be kept apart from a host, since the guest is thrown away; it is taken as it has booted.
 */
import { spawnSync } from "node:child_process";
import { chmodSync, rmSync, writeFileSync } from "node:fs";
import { mounts } from "../support/leaks.js";
import { cgroupsBelow, Machine } from "./machine.js";

export class GuestMachine extends Machine {
	readonly systemd = true;
	override pid = 1;
	/** What ran before the lane. */
	readonly #own: Set<string>;

	constructor() {
		super();
		chmodSync(this.directory, 0o711);
		writeFileSync(this.enter, '#!/bin/sh\nexec "$@"\n', { mode: 0o755 });
		this.#own = new Set(super.processes());
		this.remember();
	}

	/** Without those that were there before, and without threads of the kernel, which have no command line. */
	override processes(): string[] {
		return super.processes().filter((line) => !line.endsWith(": ") && !this.#own.has(line));
	}

	cgroups(): string[] {
		return cgroupsBelow("/sys/fs/cgroup");
	}

	/** Units too: of a container that is gone there is neither a scope nor the memory of one that failed. */
	protected override inventory(): string[] {
		const words = ["list-units", "--all", "--plain", "--no-legend", "--full", "--type=scope,slice,service,timer"];
		const units = spawnSync("systemctl", words, { encoding: "utf8" }).stdout.trim().split("\n");
		return [...super.inventory(), ...units.map((line) => `unit ${line.split(/ +/)[0]}`)];
	}

	async halt(): Promise<string[]> {
		const left = this.processes().filter((line) => line.includes(this.token));
		// A daemon whose last test was left out (TEST=), or has failed: the lane would wait for it.
		for (const child of this.running) child.kill("SIGKILL");
		// Of engines that have ended, and of the lane itself.
		for (const point of mounts(this.token)) spawnSync("umount", ["--lazy", point]);
		rmSync(this.directory, { recursive: true, force: true });
		return left;
	}
}
