/** Which errno a failed native verb came back with. */
import type { NativeFailure } from "../native/api.js";

/** True when `error` is a native failure with one of these errno names. */
export function failedWith(error: unknown, ...codes: string[]): error is NativeFailure {
	return error instanceof Error && codes.includes((error as Partial<NativeFailure>).code ?? "");
}

/** True for what a native verb throws, whatever its errno. */
export function isNativeFailure(error: unknown): error is NativeFailure {
	const failure = error as Partial<NativeFailure>;
	return error instanceof Error && failure.syscall !== undefined && failure.code !== undefined;
}
