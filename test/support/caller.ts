/** An ordinary user who calls the runtime: a uid that nothing on this machine belongs to, with an XDG_RUNTIME_DIR. */
import { execFileSync } from "node:child_process";
import { chownSync, existsSync, mkdirSync, readdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { type Bundle, type Edit, makeBundle } from "./bundle.js";
import type { Config } from "./config.js";
import { type CommandOptions, programForUsers, Runtime } from "./runtime.js";
import { Container, inside, type Workspace } from "./workspace.js";

/** Ids of /etc/subuid and /etc/subgid that a caller with `ranges` has. Five digits: 340 of them fit into one page. */
export const range = { first: 70_000, size: 65_536 };

export interface CallerOptions {
	/** Gives the user a name and a range in /etc/subuid and /etc/subgid: in a mount namespace of each command, so that the machine's own files stay as they are. */
	ranges?: boolean;
	/** False: XDG_RUNTIME_DIR is not set. */
	runtimeDirectory?: boolean;
	/** Words before the change of user, which root runs. */
	before?: string[];
	/** Words between the change of user and the runtime, for instance `unshare -Ur`. */
	through?: string[];
	/** Options of the runtime, for all commands. */
	options?: string[];
}

export class Caller {
	/** The user's own, mode 0700. */
	readonly directory: string;
	/** XDG_RUNTIME_DIR. */
	readonly runtimeDirectory: string;
	readonly runtime: Runtime;
	#count = 0;

	constructor(
		readonly space: Workspace,
		readonly uid: number,
		readonly options: CallerOptions = {},
	) {
		this.directory = space.path(`user-${uid}-${readdirSync(space.directory).length}`);
		this.runtimeDirectory = join(this.directory, "run");
		for (const path of [this.directory, this.runtimeDirectory, join(this.directory, "io")]) {
			mkdirSync(path, { mode: 0o700 });
			chownSync(path, uid, uid);
		}
		const program = [...programForUsers(space.directory), ...(options.options ?? [])];
		this.runtime = new Runtime(undefined, join(this.directory, "io"), this.#words(), program);
	}

	#words(): string[] {
		const { ranges, runtimeDirectory = true, before = [], through = [] } = this.options;
		const variables = runtimeDirectory ? [`XDG_RUNTIME_DIR=${this.runtimeDirectory}`] : [];
		const id = String(this.uid);
		const become = ["setpriv", "--reuid", id, "--regid", id, "--clear-groups", "--"];
		const words = [...before, ...become, "env", "HOME=/", ...variables, ...through];
		return ranges ? [...this.#withRanges(), ...words] : words;
	}

	/** newuidmap asks for the user's name, and then for its ranges. */
	#withRanges(): string[] {
		const name = `rtt${this.uid}`;
		const etc = join(this.directory, "etc");
		mkdirSync(etc, { mode: 0o755 });
		writeFileSync(join(etc, "passwd"), `root:x:0:0::/:/bin/sh\n${name}:x:${this.uid}:${this.uid}::/:/bin/sh\n`);
		writeFileSync(join(etc, "group"), `root:x:0:\n${name}:x:${this.uid}:\n`);
		for (const file of ["subuid", "subgid"]) {
			writeFileSync(join(etc, file), `${name}:${range.first}:${range.size}\n`);
			// Something has to be there to be covered.
			if (!existsSync(join("/etc", file))) writeFileSync(join("/etc", file), "");
		}
		const cover = `for file in passwd group subuid subgid; do mount --bind ${etc}/$file /etc/$file || exit 99; done; exec "$@"`;
		return ["unshare", "--mount", "sh", "-c", cover, "sh"];
	}

	/** A bundle of this user's, run with one id mapped, as `spec --rootless` has it. */
	container(edit: Edit = () => {}): Container {
		const number = ++this.#count;
		const id = `${this.space.token}-u${this.uid}-${number}`;
		const path = join(this.directory, `b${number}`);
		const bundle = makeBundle(path, id, this.space.path("programs"), (config, made) => {
			rootless(config, this.uid);
			this.own(made);
			edit(config, made);
		});
		chownSync(path, this.uid, this.uid);
		return new Container(id, bundle, this.runtime);
	}

	/** Gives the directories to the user, not the programs, which bundles share. */
	own({ rootfs }: Bundle): void {
		execFileSync("find", [rootfs, "-type", "d", "-exec", "chown", `${this.uid}:${this.uid}`, "{}", "+"]);
	}

	/** As Workspace.inside. */
	inside<Key extends string>(
		edit: Edit,
		questions: Record<Key, string>,
		options: CommandOptions = {},
	): Record<Key, string> {
		return inside((asking) => this.container(asking), edit, questions, options);
	}

	/** Names in the user's state root. */
	get states(): string[] {
		const root = join(this.runtimeDirectory, "runtime-ts");
		return existsSync(root) ? readdirSync(root).filter((name) => !name.startsWith("@")) : [];
	}
}

/** What `spec --rootless` changes. */
export function rootless(config: Config, uid: number): void {
	config.linux.namespaces.push({ type: "user" });
	config.linux.uidMappings = [{ containerID: 0, hostID: uid, size: 1 }];
	config.linux.gidMappings = [{ containerID: 0, hostID: uid, size: 1 }];
	delete (config.linux as { cgroupsPath?: string }).cgroupsPath;
	for (const mount of config.mounts) {
		// Group 5 is not mapped.
		if (mount.type === "devpts") mount.options = mount.options?.filter((option) => option !== "gid=5") ?? [];
	}
}

/** Adds the user's range to the maps: 1 to 65536. */
export function withRange(config: Config): void {
	for (const mappings of [config.linux.uidMappings, config.linux.gidMappings])
		mappings?.push({ containerID: 1, hostID: range.first, size: range.size });
}
