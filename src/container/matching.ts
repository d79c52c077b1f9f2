/** `kill --regex` and `delete --regex`: one command for several containers. */
import { RuntimeError } from "../errors.js";
import type { Native } from "../native/api.js";
import { namesIn } from "./list.js";
import type { Place } from "./place.js";
import { stateRoot } from "./place.js";

/**
 * Does `action` with every container whose id matches somewhere; that none does is fine, as with crun. One that fails
 * does not keep the others from their turn, and fails the whole at the end.
 */
export function forEachMatching(
	native: Native,
	place: Place,
	pattern: string,
	action: (id: string) => void,
	onFailure: (message: string) => void,
): void {
	const expression = compile(pattern);
	const ids = namesIn(native, stateRoot(native, place)).filter((id) => expression.test(id));
	let failures = 0;
	for (const id of ids) {
		try {
			action(id);
		} catch (error) {
			if (!(error instanceof Error)) throw error;
			failures++;
			onFailure(`container ${id}: ${error.message}`);
		}
	}
	if (failures > 0) throw new RuntimeError("container.state", `failed for ${failures} of ${ids.length} containers`);
}

function compile(pattern: string): RegExp {
	try {
		return new RegExp(pattern);
	} catch {
		throw new RuntimeError("usage", `invalid regular expression ${pattern}`);
	}
}
