/** Whatever was thrown, as the one kind of error that the command line reports. */
import { RuntimeError } from "../errors.js";
import type { NativeFailure } from "../native/api.js";

function isNativeFailure(error: unknown): error is NativeFailure {
	return error instanceof Error && typeof (error as Partial<NativeFailure>).syscall === "string";
}

export function asRuntimeError(error: unknown): RuntimeError {
	if (error instanceof RuntimeError) return error;
	if (isNativeFailure(error)) {
		return new RuntimeError("io", error.message, {
			syscall: error.syscall,
			errno: error.code,
			...(error.detail === undefined ? {} : { path: error.detail }),
		});
	}
	const text = error instanceof Error ? error.message : String(error);
	return new RuntimeError("io", `unexpected error: ${text}`, {
		hint: "this is a bug in runtime-ts; run again with --debug for the stack",
	});
}
