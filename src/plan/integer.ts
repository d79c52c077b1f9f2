/** A number of config.json; the loader hands out a bigint where a double would lose digits. */
export type Integer = number | bigint;

/** Decimal digits, never an exponent. */
export function decimal(value: Integer): string {
	return BigInt(value).toString();
}
