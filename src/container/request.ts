/** What `create` and `run` are asked for, and the rules that can be checked before anything is made. */
import type { Spec } from "../bundle/spec.js";
import { RuntimeError } from "../errors.js";
import type { Native } from "../native/api.js";
import type { Environment, Place } from "./place.js";

export interface LaunchRequest extends Place {
	id: string;
	/** Bundle directory; relative to the working directory. */
	bundle: string;
	consoleSocket?: string;
	pidFile?: string;
	/** Gets a pidfd of the container's process. */
	pidfdSocket?: string;
	noPivot?: boolean;
	noNewKeyring?: boolean;
	preserveFds?: number;
	systemdCgroup?: boolean;
	/** No cgroup of its own, whatever the configuration says. */
	noCgroup?: boolean;
	/** A container that asks for no cgroup gets none; undefined: when not root on the host. */
	rootless?: boolean;
	/** What the plan compiler noticed; `pointer` into config.json. */
	onWarning?: (message: string, pointer?: string) => void;
	/** A failing poststop hook, which the specification wants told, unlike the warnings. */
	onNotice?: (message: string, pointer?: string) => void;
	/** Asks the init to time its steps; called with the times. */
	onTrace?: (steps: TracedStep[]) => void;
}

export interface TracedStep {
	op: string;
	at?: string;
	microseconds: number;
}

/** Nothing of a container can be made without privileges: a user gets them in a user namespace. */
export function checkPrivileges({ linux }: Spec, euid: number): void {
	if (euid === 0 || linux?.namespaces?.some(({ type }) => type === "user")) return;
	throw new RuntimeError("config.invalid", "rootless container requires user namespaces", {
		pointer: "/linux/namespaces",
		hint: "`spec --rootless` writes a configuration that a user can run",
	});
}

/** Who holds the container's terminal decides where it can go: runc's rules and words. */
export function checkConsole(spec: Spec, request: LaunchRequest, detached: boolean): void {
	checkTerminal(spec.process?.terminal === true, request.consoleSocket, detached);
}

/** `byOption`: that there is a terminal is not said in a file, but by --tty. */
export function checkTerminal(
	terminal: boolean,
	consoleSocket: string | undefined,
	detached: boolean,
	byOption = false,
): void {
	if (detached && terminal && !consoleSocket) {
		throw new RuntimeError("console", "cannot allocate tty if runc will detach without setting console socket", {
			pointer: "/process/terminal",
			hint: `give --console-socket, or ${byOption ? "leave out --tty" : "set process.terminal to false"}`,
		});
	}
	if ((!terminal || !detached) && consoleSocket) {
		throw new RuntimeError("console", "cannot use console socket if runc will not detach or allocate tty", {
			pointer: "/process/terminal",
			hint: terminal ? "add --detach" : byOption ? "add --tty" : "set process.terminal to true",
		});
	}
}

/**
 * Number of sockets that the caller passes by the protocol of sd_listen_fds(3): at descriptor 3 and up, meant for
 * this process only when LISTEN_PID says so.
 */
export function listenFds(env: Environment): number {
	const count = env.LISTEN_FDS;
	if (!count || env.LISTEN_PID !== String(process.pid)) return 0;
	return /^\d+$/.test(count) ? Number(count) : 0;
}

/** The descriptors to be passed must be open: another file could get the number and end up in the container. */
export function checkPreservedFds(native: Native, sockets: number, preserved: number): void {
	if (sockets + preserved === 0) return;
	const check = native.checkPreservedFds({ count: sockets + preserved });
	if (check.ok) return;
	const index = check.fd - 3 - sockets;
	throw index < 0
		? new RuntimeError("usage", `unable to stat LISTEN_FDS descriptor ${check.fd} (of ${sockets})`)
		: new RuntimeError(
				"usage",
				`unable to stat preserved-fd ${index} (of ${preserved}): descriptor ${check.fd} is not open`,
			);
}
