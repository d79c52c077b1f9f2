/** Properties of a systemd unit as D-Bus carries them (org.freedesktop.systemd1(5)), in the form that a plan can have. */

/** Numbers are decimal text, since D-Bus has 64-bit ones; containers are lists, an entry of a dictionary is [key, value]. */
export type BusValue = string | BusValue[] | BusVariant;

export interface BusVariant {
	/** D-Bus signature of the value, one complete type. */
	signature: string;
	value: BusValue;
}

export interface UnitProperty extends BusVariant {
	name: string;
	/** JSON pointer of the value in config.json that asks for it. */
	at?: string | undefined;
}

/** What systemd takes for "no limit" where a property is a number: UINT64_MAX. */
export const UNLIMITED = (1n << 64n) - 1n;

export function flag(name: string, value: boolean): UnitProperty {
	return { name, signature: "b", value: String(value) };
}

export function text(name: string, value: string): UnitProperty {
	return { name, signature: "s", value };
}

export function number(name: string, value: bigint | number, at?: string): UnitProperty {
	return { name, signature: "t", value: String(value), ...(at === undefined ? {} : { at }) };
}
