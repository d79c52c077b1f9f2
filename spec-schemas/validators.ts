/**
 * ajv, at build time: schemas in, TypeScript source of plain functions out. The source imports nothing, so ajv itself
 * never comes near the runtime.
 */
import { _, Ajv, type CodeKeywordDefinition, type KeywordCxt } from "ajv";
import { Ajv2020 } from "ajv/dist/2020.js";
import standalone from "ajv/dist/standalone/index.js";
import { mapSchemas, type Schema } from "./flatten.js";

/**
 * Two validators come from one schema. `accept` is the one every create runs: it stops at the first fault and says
 * only yes or no. `explain` runs after a no and collects all faults.
 */
export type Purpose = "accept" | "explain";

/** Bounds of the integer formats of 64 bits; smaller ones are exact in the schema's own minimum and maximum. */
const WIDE: Record<string, [bigint, bigint]> = {
	uint64: [0n, (1n << 64n) - 1n],
	int64: [-(1n << 63n), (1n << 63n) - 1n],
};

/**
 * The keyword that `type: integer` with its range is turned into: one comparison instead of three tests.
 *
 * A 64-bit value may arrive as a bigint. `accept` refuses every number above 2^53, which JSON.parse may have rounded:
 * its no makes the caller read the text again, exactly this time.
 */
function integerKeyword(purpose: Purpose): CodeKeywordDefinition {
	return {
		keyword: "integer",
		schemaType: "object",
		error: {
			message: "must be an integer in range",
			params: ({ schema }) =>
				_`{format: ${schema.format}, minimum: ${String(schema.minimum)}, maximum: ${String(schema.maximum)}}`,
		},
		code(cxt: KeywordCxt) {
			const { data, schema } = cxt as {
				data: KeywordCxt["data"];
				schema: { format: string; minimum: number; maximum: number };
			};
			const wide = WIDE[schema.format];
			if (wide === undefined) {
				if (schema.minimum === 0 && schema.maximum === 0xffff_ffff)
					cxt.fail(_`typeof ${data} != "number" || ${data} >>> 0 !== ${data}`);
				else cxt.fail(_`!Number.isInteger(${data}) || ${data} < ${schema.minimum} || ${data} > ${schema.maximum}`);
			} else if (purpose === "accept") {
				cxt.fail(
					schema.format === "uint64"
						? _`!Number.isSafeInteger(${data}) || ${data} < 0`
						: _`!Number.isSafeInteger(${data})`,
				);
			} else {
				const [minimum, maximum] = wide.map((bound) => _`BigInt(${String(bound)})`) as [
					ReturnType<typeof _>,
					ReturnType<typeof _>,
				];
				cxt.fail(
					_`typeof ${data} != "bigint" && !Number.isInteger(${data}) || ${data} < ${minimum} || ${data} > ${maximum}`,
				);
			}
		},
	};
}

/** A path check is the most common pattern: one character comparison instead of a regular expression. */
const startsWithSlash: CodeKeywordDefinition = {
	keyword: "absolutePath",
	schemaType: "boolean",
	type: "string",
	error: { message: "must be an absolute path" },
	code: (cxt: KeywordCxt) => cxt.fail(_`${cxt.data}.charCodeAt(0) !== 47`),
};

function compact(schema: Schema): Schema {
	const { title: _title, description: _description, ...rest } = schema;
	if (rest.type === "integer" && typeof rest.format === "string") {
		const { type: _type, format, minimum, maximum, ...others } = rest;
		return { ...others, integer: { format, minimum, maximum } };
	}
	if (rest.pattern === "^/") {
		const { pattern: _pattern, ...others } = rest;
		return { ...others, absolutePath: true };
	}
	return rest;
}

function compile(schema: Schema, purpose: Purpose, name: string): string {
	// OCI schemas use nothing that is newer than draft-07; without dynamic references the functions are a third smaller.
	const ajv = new (schema.$schema === undefined ? Ajv : Ajv2020)({
		allErrors: purpose === "explain",
		messages: false,
		inlineRefs: false,
		logger: false,
		unicode: false, // String.length instead of a function of ajv's; no length here is more than "not empty"
		strictTypes: false,
		validateFormats: false,
		code: { source: true, esm: true, lines: true, optimize: 2 },
	});
	ajv.addKeyword(integerKeyword(purpose));
	ajv.addKeyword(startsWithSlash);
	ajv.addSchema({ ...schema, $id: name });
	return (standalone as unknown as typeof standalone.default)(ajv, { [name]: name });
}

/** `accept` says no and nothing else: without the making of error objects the module is half as large. */
function withoutErrors(source: string): string {
	return source
		.replace(/^validate\d+\.errors = \[\{.*\}\];\n/gm, "")
		.replace(
			/^vErrors = vErrors === null \? (validate\d+)\.errors : vErrors\.concat\(\1\.errors\);\nerrors = vErrors\.length;$/gm,
			"return false;",
		)
		.replace(/^validate\d+\.errors = vErrors;\n/gm, "");
}

/** Source of a module that exports the validator `name`. */
export function validatorSource(schema: Schema, purpose: Purpose, name: string): string {
	const source = compile(mapSchemas(schema, compact) as Schema, purpose, name);
	if (/\brequire\(|^import /m.test(source)) throw new Error(`${name}: the validator is not self-contained`);
	const [, internal] = new RegExp(`export const ${name} = (\\w+);`).exec(source) ?? [];
	if (internal === undefined) throw new Error(`${name}: ajv did not export it as expected`);
	const body = (purpose === "accept" ? withoutErrors(source) : source)
		.replace('"use strict";', "")
		.replace(`export const ${name} = ${internal};`, "");
	const type =
		purpose === "accept"
			? "(document: unknown) => boolean"
			: "{ (document: unknown): boolean; errors?: import('../bundle/violation.js').Violation[] | null }";
	return `// @ts-nocheck: made by spec-schemas/generate.ts\nexport const ${name}: ${type} = ${internal};\n${body}`;
}
