/** Annotations `org.systemd.property.NAME`: properties that the container's unit gets beside those of the runtime. */
import { type Annotated, annotationsBelow } from "../bundle/annotations.js";
import { pointerToken } from "../bundle/diagnostic.js";
import { RuntimeError } from "../errors.js";
import { GVariantError, parseGVariant } from "./gvariant.js";
import { type BusVariant, number, type UnitProperty } from "./unit-property.js";

const PREFIX = "org.systemd.property.";

/** For a cgroup that is no unit of systemd's. A loop: on the way of every container that has annotations. */
export function warnOfUnitAnnotations(spec: Annotated, warnings: { at?: string | undefined; message: string }[]): void {
	const found = annotationsBelow(spec, PREFIX);
	for (let index = 0; index < found.length; index++) {
		const at = pointer((found[index] as [string, string])[0]);
		warnings.push({ at, message: "has no effect: the container's cgroup is no unit of systemd's" });
	}
}

/** runc's rules: the value is GVariant text, and a time in seconds (`TimeoutStopSec`) becomes one in microseconds. */
export function annotatedProperties(spec: Annotated): UnitProperty[] {
	return annotationsBelow(spec, PREFIX).map(([annotation, value]) => {
		const name = annotation.slice(PREFIX.length);
		const at = pointer(annotation);
		if (!/^[A-Za-z]{3,}$/.test(name)) throw invalid(at, `${JSON.stringify(name)} is no name of a property`);
		const variant = parse(value, at);
		// What systemd's files call TimeoutStopSec is TimeoutStopUSec on D-Bus; a name that ends in USec is that already.
		if (!/[a-z]Sec$/.test(name)) return { ...variant, name, at };
		return number(name.replace(/Sec$/, "USec"), microseconds(variant, at), at);
	});
}

function parse(value: string, at: string): BusVariant {
	try {
		return parseGVariant(value);
	} catch (error) {
		if (!(error instanceof GVariantError)) throw error;
		throw invalid(at, `${JSON.stringify(value)} is not GVariant text: ${error.message}`);
	}
}

function microseconds({ signature, value }: BusVariant, at: string): bigint {
	const given = "ynqiuxtd".includes(signature) ? Number(value) : Number.NaN;
	if (!Number.isFinite(given) || given < 0) throw invalid(at, "expected a number of seconds");
	return signature === "d" ? BigInt(Math.round(given * 1e6)) : BigInt(String(value)) * 1_000_000n;
}

function pointer(annotation: string): string {
	return `/annotations/${pointerToken(annotation)}`;
}

function invalid(at: string, message: string): RuntimeError {
	return new RuntimeError("config.invalid", `invalid systemd property: ${message}`, {
		pointer: at,
		hint: "a value is written as for busctl(1) and gdbus(1): true, 42, uint64 42, 'text', ['one', 'two']",
	});
}
