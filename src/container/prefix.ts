/** runc puts the command in front of what went wrong; callers match on it. */
import { RuntimeError } from "../errors.js";
import type { NativeFailure } from "../native/api.js";

export function prefixed<Result>(prefix: string, action: () => Result): Result {
	try {
		return action();
	} catch (error) {
		throw asRuntimeError(error).prefixed(prefix);
	}
}

/** A verb that failed where nobody had more to say about it; anything else is a bug, and goes through as it is. */
function asRuntimeError(error: unknown): RuntimeError {
	if (error instanceof RuntimeError) return error;
	const failure = error as Partial<NativeFailure>;
	if (!(error instanceof Error) || failure.syscall === undefined || failure.code === undefined) throw error;
	return new RuntimeError("io", error.message, {
		syscall: failure.syscall,
		errno: failure.code,
		...(failure.detail === undefined ? {} : { path: failure.detail }),
	});
}
