/** A signal that asked the runtime to end while it had a container half made: undone first, then obeyed. */
import { RuntimeError } from "../errors.js";
import { signalName } from "./signals.js";

/** Exit status that shells give a program that a signal ended. */
export function statusOfSignal(signal: number): number {
	return 128 + signal;
}

export function interruption(signal: number): RuntimeError {
	return new RuntimeError("interrupted", `interrupted by ${signalName(signal)}`, {}, statusOfSignal(signal));
}
