/**
 * process.capabilities. The specification wants a warning, not a failure, for a name that is unknown (the bundle has
 * said that) or can't be granted; so each set is cut down to what capset(2) will accept.
 */
import { CAPABILITIES } from "../bundle/capabilities.js";
import type { Context, Process } from "./context.js";
import type { InitStepOf } from "./schema.js";

type SetName = keyof NonNullable<Process["capabilities"]> & string;

export interface CapabilitySteps {
	bound: InitStepOf<"capabilities.bound">;
	apply: InitStepOf<"capabilities.apply">;
}

/** A set that another one has to be within. */
interface Limit {
	names: readonly string[];
	missing: string;
}

export function compileCapabilities(context: Context): CapabilitySteps {
	// A process that enters a user namespace has every capability in it (user_namespaces(7)); otherwise nothing
	// comes from beyond the engine's bounding set.
	const host: Limit = {
		names: context.namespaces.has("user") ? CAPABILITIES : context.host.capabilities,
		missing: "the runtime itself does not have it",
	};
	const bounding = take(context, "bounding", host);
	const permitted = take(context, "permitted", host);
	const inPermitted: Limit = { names: permitted, missing: "it is not in the permitted set" };
	const effective = take(context, "effective", host, inPermitted);
	// capset(2): a new inheritable capability must be in the bounding set.
	const inheritable = take(context, "inheritable", host, {
		names: bounding,
		missing: "it is not in the bounding set",
	});
	// Without a word, because engines send it all the time: since CVE-2022-24769 they leave the inheritable set empty,
	// and what is not in it can't be ambient (capabilities(7)). runc's own default configuration does, too.
	const ambient: string[] = [];
	const wanted = take(context, "ambient", host);
	for (let index = 0; index < wanted.length; index++) {
		const name = wanted[index] as string;
		if (permitted.includes(name) && inheritable.includes(name)) ambient.push(name);
	}

	// No capabilities object means no capabilities, as in runc.
	return {
		bound: { op: "capabilities.bound", at: "/process/capabilities", keep: bounding },
		apply: { op: "capabilities.apply", at: "/process/capabilities", effective, permitted, inheritable, ambient },
	};
}

/** The names of one set that can be granted; a warning for each of the others that exists. */
function take(context: Context, set: SetName, host: Limit, within?: Limit): string[] {
	const granted: string[] = [];
	const names = context.process.capabilities?.[set] ?? [];
	for (let index = 0; index < names.length; index++) {
		const name = names[index] as string;
		const limit = !host.names.includes(name) ? host : within && !within.names.includes(name) ? within : undefined;
		if (limit === undefined) {
			if (!granted.includes(name)) granted.push(name);
		} else if (CAPABILITIES.includes(name)) {
			const at = `/process/capabilities/${set}/${index}`;
			context.warn(at, `capability "${name}" is not granted: ${limit.missing}`);
		}
	}
	return granted;
}

type Apply = InitStepOf<"capabilities.apply">;

const ADMIN = "CAP_SYS_ADMIN";
const add = (names: readonly string[]): string[] => names.concat(names.indexOf(ADMIN) < 0 ? [ADMIN] : []);

/**
 * The same sets, and what a seccomp filter takes that is loaded without no_new_privs. The bounding set has been cut down
 * by then, so a startContainer hook gets no more by its exec than the program will.
 */
export function withAdmin({ op, at, effective, permitted, inheritable, ambient = [] }: Apply): Apply {
	return { op, at, effective: add(effective), permitted: add(permitted), inheritable, ambient };
}

/** After `withAdmin`. The ambient set is what it was: prctl(2) need not be allowed by the filter. */
export function finalCapabilities({ op, at, effective, permitted, inheritable }: Apply): Apply {
	return { op, at, effective, permitted, inheritable };
}
