/** The systemd driver's way to systemd: which one it is, and the container's unit from start to stop. */
import type { BusAddress, SystemdFacts } from "../cgroup/systemd.js";
import { RuntimeError } from "../errors.js";
import type { Native } from "../native/api.js";
import { explainHostFailure } from "../plan/failure.js";
import { type CgroupPaths, emptyCgroups } from "./cgroups.js";
import { interruption } from "./interruption.js";
import { channelOf, type Launch } from "./launch-state.js";
import type { Environment } from "./place.js";
import type { ContainerRecord } from "./record.js";

interface Identity {
	euid: number;
	initialUserNamespace: boolean;
}

/** The host's systemd for root, the user's own for everybody else. Throws when there is none. */
export function findSystemd(native: Native, identity: Identity, env: Environment): SystemdFacts {
	const user = identity.euid !== 0 || !identity.initialUserNamespace;
	const bus = user ? userBus(env) : systemBus(env);
	let manager: ReturnType<Native["systemdManager"]>;
	try {
		manager = native.systemdManager({ bus: JSON.stringify(bus) });
	} catch (error) {
		throw unavailable(error instanceof Error ? error.message : String(error), user);
	}
	const version = /\d+/.exec(manager.version)?.[0];
	if (version === undefined) throw unavailable(`it calls itself version ${JSON.stringify(manager.version)}`, user);
	return { user, bus, version: Number(version), controlGroup: manager.controlGroup };
}

/**
 * The first is systemd's own socket, which systemctl uses for root as well: it is there before the message bus is, and it
 * has no policy that could forbid anything.
 */
function systemBus({ DBUS_SYSTEM_BUS_ADDRESS: given }: Environment): BusAddress[] {
	return [
		{ address: "unix:path=/run/systemd/private", broker: false },
		{ address: given || "unix:path=/run/dbus/system_bus_socket", broker: true },
	];
}

function userBus({ XDG_RUNTIME_DIR: directory, DBUS_SESSION_BUS_ADDRESS: given }: Environment): BusAddress[] {
	if (!directory && !given) throw unavailable("neither XDG_RUNTIME_DIR nor DBUS_SESSION_BUS_ADDRESS is set", true);
	const list: BusAddress[] = [];
	if (directory) list.push({ address: `unix:path=${escapePath(directory)}/systemd/private`, broker: false });
	if (given) list.push({ address: given, broker: true });
	else if (directory) list.push({ address: `unix:path=${escapePath(directory)}/bus`, broker: true });
	return list;
}

/** D-Bus specification, "Server Addresses". */
function escapePath(path: string): string {
	const escaped = (byte: number) => `%${byte.toString(16).padStart(2, "0")}`;
	return path.replace(/[^-0-9A-Za-z_/.]/gu, (character) =>
		[...new TextEncoder().encode(character)].map(escaped).join(""),
	);
}

function unavailable(reason: string, user: boolean): RuntimeError {
	return new RuntimeError(
		"host.unsupported",
		`systemd cgroup flag passed, but systemd support for managing cgroups is not available: ${reason}`,
		{
			hint: user
				? "an ordinary user needs a systemd of their own (user@.service, `loginctl enable-linger`) and XDG_RUNTIME_DIR"
				: "it takes a host that runs systemd, and libsystemd.so.0; without --systemd-cgroup neither is needed",
		},
	);
}

/** Starts the unit with the init in it, which must not have been sent its first steps. */
export function startUnit(state: Launch): void {
	const { native } = state;
	const steps = state.plan.host.filter((step) => step.op === "systemd.start");
	const pid = state.unitPid ?? native.initPid({ channel: channelOf(state) });
	const failure = native.executeHostSteps({ steps: JSON.stringify(steps), pid });
	if (!failure) return;
	// Somebody else's: undo must not stop it.
	if (failure.code === "EEXIST") state.cgroupsMade = false;
	if (failure.syscall === "signal") throw interruption(Number(failure.detail));
	throw explainHostFailure({ host: steps }, failure);
}

/**
 * The processes are killed first: systemd would ask them to end, and wait 90 seconds for that. Where systemd does not
 * answer any more (the user has logged out, with all that was theirs), an empty unit ends by itself.
 */
export function stopUnit(
	native: Native,
	systemd: NonNullable<ContainerRecord["runtime_ts"]["systemd"]>,
	cgroups: CgroupPaths,
	onWarning?: ((message: string) => void) | undefined,
): void {
	emptyCgroups(native, cgroups);
	const { unit, bus } = systemd;
	const steps = [{ op: "systemd.stop" as const, unit, bus }];
	const failure = native.executeHostSteps({ steps: JSON.stringify(steps) });
	if (failure) onWarning?.(explainHostFailure({ host: steps }, failure).message);
}
