/**
 * ajv, at build time: schemas in, TypeScript source of plain functions out. The source imports nothing, so ajv itself
 * never comes near the runtime.
 */
import { _, Ajv, type CodeKeywordDefinition, type KeywordCxt, nil } from "ajv";
import { Ajv2020 } from "ajv/dist/2020.js";
import { regexpCode } from "ajv/dist/compile/codegen/code.js";
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

/** Patterns that one comparison of a character says as well. */
const SIMPLE: Record<string, string> = { "^/": "absolute", "^(/|$)": "absolute or empty" };

/**
 * The keyword that `pattern` is turned into. A first use of a regular expression costs 0.1 ms in the standalone binary,
 * so the values that engines send, the schema's examples, are tried before it.
 */
const text: CodeKeywordDefinition = {
	keyword: "text",
	schemaType: "object",
	type: "string",
	error: { message: "must match", params: ({ schema }) => _`{pattern: ${schema.pattern}}` },
	code(cxt: KeywordCxt) {
		const { data } = cxt;
		const { pattern, examples = [] } = cxt.schema as { pattern: string; examples?: string[] };
		const simple = SIMPLE[pattern];
		if (simple === "absolute") return cxt.fail(_`${data}.charCodeAt(0) !== 47`);
		if (simple !== undefined) return cxt.fail(_`${data} !== "" && ${data}.charCodeAt(0) !== 47`);
		const usual = examples.map((example) => _`${data} !== ${example} && `);
		cxt.fail(_`${usual.reduce((all, one) => _`${all}${one}`, nil)}!${regexpCode(new RegExp(pattern))}.test(${data})`);
	},
};

function compact(schema: Schema): Schema {
	const { title: _title, description: _description, ...rest } = schema;
	if (rest.type === "integer" && typeof rest.format === "string") {
		const { type: _type, format, minimum, maximum, ...others } = rest;
		return { ...others, integer: { format, minimum, maximum } };
	}
	if (typeof rest.pattern === "string") {
		const { pattern, examples, ...others } = rest;
		return { ...others, text: { pattern, examples } };
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
	ajv.addKeyword(text);
	ajv.addSchema({ ...schema, $id: name });
	return (standalone as unknown as typeof standalone.default)(ajv, { [name]: name });
}

/** `accept` says no and nothing else: without the making of error objects the module is half as large. */
function withoutErrors(source: string): string {
	return (
		source
			.replace(/^validate\d+\.errors = \[\{.*\}\];\n/gm, "")
			.replace(
				/^vErrors = vErrors === null \? (validate\d+)\.errors : vErrors\.concat\(\1\.errors\);\nerrors = vErrors\.length;$/gm,
				"return false;",
			)
			.replace(/^validate\d+\.errors = vErrors;\n/gm, "")
			.replace(
				/^const (err\d+) = \{instancePath.*\};\nif\(vErrors === null\)\{\nvErrors = \[\1\];\n\}\nelse \{\nvErrors\.push\(\1\);\n\}\nerrors\+\+;$/gm,
				"return false;",
			)
			// Where the value stands and how many errors there were is for messages, too.
			.replace(/^(function validate\d+\(data), \{instancePath=.*\}=\{\}\)\{$/gm, "$1){")
			.replace(/(validate\d+\([^{}\n]*), \{instancePath[:,][^{}\n]*\}\)/g, "$1)")
			.replace(/^(?:let (?:vErrors = null|errors = 0)|const _errs\d+ = errors);\n/gm, "")
			.replace(/\b(?:errors === (?:_errs\d+|0)|_errs\d+ === errors)\b/g, "true")
	);
}

/** The module of an explaining validator: nothing of it is made before it is needed, which is when something is wrong. */
function lazily(body: string, internal: string, name: string): string {
	return `import type { Violation } from "../bundle/violation.js";
let validator;
/** What is wrong with the document; empty when nothing is. */
export function ${name}(document: unknown): Violation[] {
validator ??= build();
return validator(document) ? [] : validator.errors;
}
function build() {${body}
return ${internal};
}
`;
}

/** Source of a module that exports the validator `name`. */
export function validatorSource(schema: Schema, purpose: Purpose, name: string): string {
	const source = compile(mapSchemas(schema, compact) as Schema, purpose, name);
	if (/\brequire\(|^import /m.test(source)) throw new Error(`${name}: the validator is not self-contained`);
	const [exported, internal] = new RegExp(`export const ${name} = (\\w+);`).exec(source) ?? [];
	if (exported === undefined || internal === undefined) throw new Error(`${name}: ajv did not export it as expected`);
	const body = source.replace('"use strict";', "").replace(exported, "");
	const banner = "// @ts-nocheck: made by spec-schemas/generate.ts\n";
	if (purpose === "explain") return banner + lazily(body, internal, name);
	const functions = withoutErrors(body);
	if (/\b(?:instancePath|vErrors|errors)\b/.test(functions))
		throw new Error(`${name}: ajv writes errors in another way now`);
	return `${banner}export const ${name}: (document: unknown) => boolean = ${internal};\n${functions}`;
}
