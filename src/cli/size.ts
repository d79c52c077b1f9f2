/** Sizes as people write them. */

const units = "bkmgtp";

/**
 * Bytes of `512M`, `1.5g`, `64KiB`, `1024`: go-units' RAMInBytes, whose units all are powers of 1024. Undefined for
 * anything else.
 */
export function readSize(text: string): bigint | undefined {
	const [, whole, fraction = "", unit = ""] = /^(\d+)(?:\.(\d+))? ?(b|[kmgtp]i?b?)?$/i.exec(text) ?? [];
	if (whole === undefined) return undefined;
	const factor = 1024n ** BigInt(Math.max(0, units.indexOf(unit.slice(0, 1).toLowerCase())));
	const scale = 10n ** BigInt(fraction.length);
	// Exact, where a float is not; what is less than a byte is dropped.
	return (BigInt(whole + fraction) * factor) / scale;
}
