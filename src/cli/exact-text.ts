/** JSON of values with 64-bit numbers in them. */

/** As JSON.stringify gives it, with a bigint as the number that it is. */
export function exactText(value: unknown): string {
	if (typeof value === "bigint") return value.toString();
	if (Array.isArray(value)) return `[${value.map((item) => exactText(item ?? null)).join(",")}]`;
	if (typeof value !== "object" || value === null) return JSON.stringify(value);
	const fields = Object.entries(value).filter(([, field]) => field !== undefined);
	return `{${fields.map(([key, field]) => `${JSON.stringify(key)}:${exactText(field)}`).join(",")}}`;
}
