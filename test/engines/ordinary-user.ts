/** An ordinary user of a lane's machine, who has a range of subordinate ids. */
import { copyFileSync, mkdirSync } from "node:fs";
import { basename, join } from "node:path";
import { runtime } from "./lane.js";
import type { Machine } from "./machine.js";

export interface OrdinaryUser {
	uid: number;
	/** On the host and in the machine the same path; what the tests write to it, `own` gives to the user. */
	home: string;
	/** XDG_RUNTIME_DIR. */
	runtimeDirectory: string;
	/** The runtime under test, where the user can execute it. */
	runtime: string;
	/** Words in front of a command that make it the user's. */
	become: string[];
	env: Record<string, string>;
	own(): Promise<void>;
}

/** In the guest its own one, who has a session and a systemd, which gives Podman its cgroups. */
export async function ordinaryUser(machine: Machine): Promise<OrdinaryUser> {
	const uid = machine.systemd ? 1000 : 4711;
	const home = join(machine.directory, "user");
	const runtimeDirectory = `/run/user/${uid}`;
	mkdirSync(home);
	// The repository may lie where the user can't go.
	const program = join(machine.directory, basename(runtime));
	copyFileSync(runtime, program);
	// /etc is the machine's own.
	const made = `echo lane:x:${uid}:${uid}::${home}:/bin/sh >>/etc/passwd; echo lane:x:${uid}: >>/etc/group;
		echo lane:100000:65536 >/etc/subuid; echo lane:100000:65536 >/etc/subgid;
		install -d -m 700 -o ${uid} -g ${uid} ${runtimeDirectory}`;
	if (!machine.systemd) await machine.sh(made);
	return {
		uid,
		home,
		runtimeDirectory,
		runtime: program,
		become: machine.systemd
			? ["/usr/local/bin/as-user", "env", `HOME=${home}`]
			: ["setpriv", "--reuid", String(uid), "--regid", String(uid), "--clear-groups", "--"],
		env: { HOME: home, XDG_RUNTIME_DIR: runtimeDirectory },
		own: async () => {
			await machine.sh(`chown -R ${uid}:${uid} ${home}`);
		},
	};
}
