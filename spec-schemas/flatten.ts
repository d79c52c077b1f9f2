/**
 * Joins the schema files into one schema with one flat `$defs`, the form that both ajv and json-schema-to-typescript
 * take without resolving references between files.
 */
import { readdirSync, readFileSync } from "node:fs";

export type Schema = { [keyword: string]: unknown };

const REFERENCE = /^(?:([a-z-]+\.json))?#\/\$defs\/(\w+)$/;

/** Every definition of every schema file of this folder, by name. */
export function readDefinitions(directory: string): Map<string, Schema> {
	const definitions = new Map<string, Schema>();
	for (const file of readdirSync(directory).sort()) {
		if (!file.endsWith(".json")) continue;
		const schema = JSON.parse(readFileSync(`${directory}/${file}`, "utf8")) as { $defs: Record<string, Schema> };
		for (const [name, definition] of Object.entries(schema.$defs)) {
			if (definitions.has(name)) throw new Error(`${file}: ${name} is defined twice`);
			definitions.set(name, definition);
		}
	}
	return definitions;
}

function isObject(value: unknown): value is Schema {
	return typeof value === "object" && value !== null && !Array.isArray(value);
}

function target(reference: string): string {
	const name = REFERENCE.exec(reference)?.[2];
	if (name === undefined) throw new Error(`unexpected $ref ${reference}`);
	return name;
}

/** A definition that says nothing about properties is copied to where it is used: a number is no function call. */
function isLeaf(definition: Schema): boolean {
	return definition.properties === undefined && definition.additionalProperties === undefined;
}

function resolve(schema: unknown, definitions: Map<string, Schema>): unknown {
	if (Array.isArray(schema)) return schema.map((entry) => resolve(entry, definitions));
	if (!isObject(schema)) return schema;
	const { $ref, ...rest } = schema;
	const own = Object.fromEntries(Object.entries(rest).map(([key, value]) => [key, resolve(value, definitions)]));
	if (typeof $ref !== "string") return own;
	const name = target($ref);
	const definition = definitions.get(name);
	if (definition === undefined) throw new Error(`${$ref} does not exist`);
	return isLeaf(definition)
		? { ...(resolve(definition, definitions) as Schema), ...own }
		: { ...own, $ref: `#/$defs/${name}` };
}

/** The schema of definition `root` with everything that it refers to, and nothing else. */
export function flatten(root: string, definitions: Map<string, Schema>): Schema & { $defs: Record<string, Schema> } {
	const used: Record<string, Schema> = {};
	const visit = (name: string): void => {
		const definition = definitions.get(name);
		if (definition === undefined || used[name] !== undefined) return;
		const resolved = resolve(definition, definitions) as Schema;
		used[name] = resolved;
		JSON.stringify(resolved, (key, value) => {
			if (key === "$ref") visit(target(value as string));
			return value;
		});
	};
	visit(root);
	return { $ref: `#/$defs/${root}`, $defs: used };
}

/** Calls `change` with every schema object below `schema`, innermost first, and puts what it returns in its place. */
export function mapSchemas(schema: unknown, change: (schema: Schema) => Schema): unknown {
	if (Array.isArray(schema)) return schema.map((entry) => mapSchemas(entry, change));
	if (!isObject(schema)) return schema;
	return change(Object.fromEntries(Object.entries(schema).map(([key, value]) => [key, mapSchemas(value, change)])));
}
