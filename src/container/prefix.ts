/** runc puts the command in front of what went wrong; callers match on it. */
import { RuntimeError } from "../errors.js";
import { isNativeFailure } from "./errno.js";

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
	if (!isNativeFailure(error)) throw error;
	return new RuntimeError("io", error.message, {
		syscall: error.syscall,
		errno: error.code,
		...(error.detail === undefined ? {} : { path: error.detail }),
	});
}
