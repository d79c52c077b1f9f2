/** Who reads which property of config.json: a copy of the Spec that notes each access, by the schema's path. */
import { flatten, readDefinitions, type Schema } from "../../spec-schemas/flatten.js";

const definitions = readDefinitions(`${import.meta.dirname}/../../spec-schemas`);
const { $defs } = flatten("Spec", definitions);

function resolve(schema: Schema | undefined): Schema {
	const reference = schema?.$ref;
	return typeof reference === "string"
		? { ...$defs[reference.replace("#/$defs/", "")], ...schema, $ref: undefined }
		: (schema ?? {});
}

const propertiesOf = (schema: Schema) => (schema.properties ?? {}) as Record<string, Schema>;

/** Every property of config.json, like `linux.namespaces[].type`; the names of a map are `*`. */
export function everyProperty(): string[] {
	const found: string[] = [];
	const walk = (unresolved: Schema | undefined, path: string): void => {
		const schema = resolve(unresolved);
		for (const [name, property] of Object.entries(propertiesOf(schema))) {
			const below = path === "" ? name : `${path}.${name}`;
			found.push(below);
			walk(property, below);
		}
		if (schema.items) walk(schema.items as Schema, `${path}[]`);
		if (typeof schema.additionalProperties === "object") walk(schema.additionalProperties as Schema, `${path}.*`);
	};
	walk({ $ref: "#/$defs/Spec" }, "");
	return found;
}

/** The module of src that is reading, without its suffix; undefined for the tests themselves. */
function reader(): string | undefined {
	for (const line of (new Error().stack ?? "").split("\n")) {
		const module = /\/src\/([\w/-]+)\.[tj]s/.exec(line)?.[1];
		if (module !== undefined) return module;
	}
	return undefined;
}

/** Property, and the modules that have read it. */
export type Claims = Map<string, Set<string>>;

/** `value`, with every access to a property below it noted in `claims`. */
export function observed<Value>(
	value: Value,
	claims: Claims,
	schema: Schema = { $ref: "#/$defs/Spec" },
	path = "",
): Value {
	if (typeof value !== "object" || value === null) return value;
	const own = resolve(schema);
	const properties = propertiesOf(own);
	return new Proxy(value, {
		get(target, key, receiver) {
			const inner = Reflect.get(target, key, receiver);
			if (typeof key !== "string") return inner;
			if (Array.isArray(target)) {
				return /^\d+$/.test(key) ? observed(inner, claims, own.items as Schema, `${path}[]`) : inner;
			}
			const property = properties[key];
			if (property === undefined) {
				return observed(inner, claims, own.additionalProperties as Schema | undefined, `${path}.*`);
			}
			const below = path === "" ? key : `${path}.${key}`;
			const module = reader();
			if (module !== undefined) claims.set(below, (claims.get(below) ?? new Set()).add(module));
			return observed(inner, claims, property, below);
		},
	});
}

/** The properties that are set in `value`, as `everyProperty` writes them. */
export function propertiesIn(value: unknown, schema: Schema = { $ref: "#/$defs/Spec" }, path = ""): string[] {
	if (typeof value !== "object" || value === null) return [];
	const own = resolve(schema);
	if (Array.isArray(value)) return value.flatMap((entry) => propertiesIn(entry, own.items as Schema, `${path}[]`));
	const properties = propertiesOf(own);
	return Object.entries(value).flatMap(([key, inner]) => {
		const property = properties[key];
		if (property === undefined) {
			return propertiesIn(inner, own.additionalProperties as Schema | undefined, `${path}.*`);
		}
		const below = path === "" ? key : `${path}.${key}`;
		return [below, ...propertiesIn(inner, property, below)];
	});
}
