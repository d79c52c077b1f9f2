/**
 * Makes src/generated/ from the schemas of this folder (what OCI defines) and the zod schemas of src (what the runtime
 * defines): validators and TypeScript types. Run by `make`; the output depends on nothing but these inputs.
 */
import { existsSync, mkdirSync, rmSync, writeFileSync } from "node:fs";
import { compile as compileTypes } from "json-schema-to-typescript";
import { z } from "zod";
import { flatten, mapSchemas, readDefinitions, type Schema } from "./flatten.js";
import { type Purpose, validatorSource } from "./validators.js";

const here = import.meta.dirname;
const output = `${here}/../src/generated`;
const definitions = readDefinitions(here);

function write(file: string, text: string): void {
	writeFileSync(`${output}/${file}.ts`, text);
}

function writeValidator(file: string, schema: Schema, purpose: Purpose, name: string): void {
	write(file, validatorSource(schema, purpose, name));
}

/** For types: the definition's name is the type's name, its title goes into the comment, a 64-bit number may be a bigint. */
function typed(schema: Schema): Schema {
	const { title, description, ...rest } = schema;
	const words = [title, description].filter((text) => typeof text === "string");
	const comment = words.length > 0 ? { description: words.join(". ") } : {};
	const wide = rest.format === "uint64" || rest.format === "int64";
	return { ...rest, ...comment, ...(wide ? { tsType: "number | bigint" } : {}) };
}

async function writeTypes(file: string, root: string): Promise<void> {
	const { $ref: _reference, $defs } = mapSchemas(flatten(root, definitions), typed) as {
		$ref: string;
		$defs: Record<string, Schema>;
	};
	const { [root]: document, ...others } = $defs;
	for (const [name, definition] of Object.entries(others)) definition.title = name;
	const source = await compileTypes({ ...document, $defs: others } as Schema, root, {
		additionalProperties: false,
		bannerComment: "// Made by spec-schemas/generate.ts from the schemas beside it.",
		format: false,
		ignoreMinAndMaxItems: true,
		unknownAny: true,
	});
	write(file, source);
}

/** The words that config.json may use, by definition and property: what `features` prints has no list of its own. */
function writeWords(file: string, root: string): void {
	const words: Record<string, unknown> = {};
	const { $defs } = flatten(root, definitions);
	for (const [name, definition] of Object.entries($defs)) {
		for (const [property, schema] of Object.entries((definition.properties ?? {}) as Record<string, Schema>)) {
			const values = schema.enum ?? (schema.items as Schema | undefined)?.enum;
			if (Array.isArray(values)) words[`${name}.${property}`] = values.filter((value) => value !== "");
		}
	}
	words.Hooks = Object.keys(($defs.Hooks?.properties ?? {}) as object);
	write(
		file,
		`// Made by spec-schemas/generate.ts.\nexport const words = ${JSON.stringify(words, null, "\t")} as const;\n`,
	);
}

rmSync(output, { recursive: true, force: true });
mkdirSync(output, { recursive: true });

writeValidator("accept-config", flatten("Spec", definitions), "accept", "acceptConfig");
writeValidator("validate-config", flatten("Spec", definitions), "explain", "validateConfig");
writeValidator("accept-process", flatten("Process", definitions), "accept", "acceptProcess");
writeValidator("validate-process", flatten("Process", definitions), "explain", "validateProcess");
writeValidator("validate-resources", flatten("Resources", definitions), "explain", "validateResources");
writeValidator("validate-state", flatten("State", definitions), "explain", "validateState");
writeValidator("validate-features", flatten("Features", definitions), "explain", "validateFeatures");
await writeTypes("spec", "Spec");
await writeTypes("state", "State");
await writeTypes("features", "Features");

writeWords("words", "Spec");

const { plan } = await import("../src/plan/schema.js");
writeValidator("validate-plan", z.toJSONSchema(plan) as Schema, "explain", "validatePlan");
const record = `${here}/../src/container/record.ts`;
if (existsSync(record)) {
	const { containerRecord } = (await import(record)) as { containerRecord: z.ZodType };
	writeValidator("validate-record", z.toJSONSchema(containerRecord) as Schema, "explain", "validateRecord");
}
