/**
 * process.capabilities. The specification wants a warning, not a failure, for a name that is unknown (the bundle has
 * said that) or can't be granted; so each set is cut down to what capset(2) will accept.
 */
import { CAPABILITIES } from "../bundle/capabilities.js";
import type { Context, Process } from "./context.js";
import type { InitStepOf } from "./schema.js";

type SetName = keyof NonNullable<Process["capabilities"]> & string;

const known: ReadonlySet<string> = new Set(CAPABILITIES);

export interface CapabilitySteps {
	bound: InitStepOf<"capabilities.bound">;
	apply: InitStepOf<"capabilities.apply">;
}

export function compileCapabilities(context: Context): CapabilitySteps {
	// A process that enters a user namespace has every capability in it (user_namespaces(7)); otherwise nothing
	// comes from beyond the engine's bounding set.
	const grantable = context.namespaces.has("user") ? known : new Set(context.host.capabilities);

	const take = (set: SetName, limits: { names: ReadonlySet<string>; missing: string }[]): string[] => {
		const granted = new Set<string>();
		for (const [index, name] of (context.process.capabilities?.[set] ?? []).entries()) {
			const at = `/process/capabilities/${set}/${index}`;
			const limit = limits.find(({ names }) => !names.has(name));
			if (!known.has(name)) continue;
			if (limit) context.warn(at, `capability "${name}" is not granted: ${limit.missing}`);
			else granted.add(name);
		}
		return [...granted];
	};

	const host = { names: grantable, missing: "the runtime itself does not have it" };
	const bounding = take("bounding", [host]);
	const permitted = take("permitted", [host]);
	const inPermitted = { names: new Set(permitted), missing: "it is not in the permitted set" };
	const effective = take("effective", [host, inPermitted]);
	// capset(2): a new inheritable capability must be in the bounding set.
	const inheritable = take("inheritable", [
		host,
		{ names: new Set(bounding), missing: "it is not in the bounding set" },
	]);
	// Without a word, because engines send it all the time: since CVE-2022-24769 they leave the inheritable set empty,
	// and what is not in it can't be ambient (capabilities(7)). runc's own default configuration does, too.
	const ambient = take("ambient", [host]).filter((name) => permitted.includes(name) && inheritable.includes(name));

	// No capabilities object means no capabilities, as in runc.
	return {
		bound: { op: "capabilities.bound", at: "/process/capabilities", keep: bounding },
		apply: { op: "capabilities.apply", at: "/process/capabilities", effective, permitted, inheritable, ambient },
	};
}
