/** A plan for people: its steps in the order in which they happen, each with the config value that it comes from. */
import type { ExplainedExec } from "../container/explain-exec.js";
import { describeHostStep, describeInitStep } from "../plan/describe.js";
import type { InitStep, Plan } from "../plan/schema.js";

interface Line {
	op: string;
	sentence: string;
	at?: string | undefined;
}

const sentenceWidth = 76;

/** Where the steps of the init change their place; each name heads what follows. */
const stages: { title: string; ends: (step: InitStep) => boolean }[] = [
	{ title: "the init, in the namespaces of the host", ends: ({ op }) => op === "clone" },
	{ title: "the container's first process, still on the root of the host", ends: ({ op }) => op === "root.enter" },
	{ title: "the container's first process, in its root", ends: ({ op }) => op === "start.wait" },
	{ title: "after start", ends: () => false },
];

export function formatPlan(plan: Plan): string {
	const sections = [
		{
			title: "the engine, while the init works",
			lines: plan.host.map((step) => ({ op: step.op, sentence: describeHostStep(step), at: step.at })),
		},
		...stagesOf(plan.init),
	];
	const head = [`plan of ${plan.id}`, `  bundle ${plan.bundle}`, `  rootfs ${plan.rootfs}`];
	return formatSections(head, sections, plan.warnings, {
		step: (at) => `#${at}`,
		warning: (at) => `config.json#${at}`,
	});
}

/** The same for `exec`, where a value may come from an option. */
export function formatExecPlan({ id, init, host, warnings, origin }: ExplainedExec): string {
	const clone = init.findIndex(({ op }) => op === "clone") + 1;
	const line = (step: InitStep): Line => ({ op: step.op, sentence: describeExecStep(step), at: step.at });
	const sections = [
		{ title: "the init, in the namespaces of the host", lines: init.slice(0, clone).map(line) },
		{
			title: "the engine, while the process waits",
			lines: host.map((step) => ({ op: step.op, sentence: describeHostStep(step), at: step.at })),
		},
		{ title: "the process, in the container", lines: init.slice(clone).map(line) },
	];
	return formatSections([`plan of an exec in ${id}`], sections, warnings, { step: origin, warning: origin });
}

/** Two steps read otherwise than in the plan of a container. */
function describeExecStep(step: InitStep): string {
	if (step.op === "clone") return `start the process${step.cgroup === undefined ? "" : ` in cgroup ${step.cgroup}`}`;
	if (step.op === "start.wait") return "wait for the engine";
	return describeInitStep(step);
}

interface Section {
	title: string;
	lines: Line[];
}

/** `place`: how the place that a step or a warning names is shown. */
function formatSections(
	head: readonly string[],
	all: readonly Section[],
	warnings: Plan["warnings"],
	place: { step: (at: string) => string; warning: (at: string) => string },
): string {
	const sections = all.filter(({ lines }) => lines.length > 0);
	const opWidth = Math.max(...sections.flatMap(({ lines }) => lines.map(({ op }) => op.length)));
	const text = [...head];
	let number = 1;
	for (const { title, lines } of sections) {
		text.push("", title);
		for (const { at, ...line } of lines) {
			text.push(...format({ ...line, at: at === undefined ? undefined : place.step(at) }, number++, opWidth));
		}
	}
	if (warnings.length > 0) text.push("", "warnings");
	for (const { at, message } of warnings) text.push(`  ${message}${at === undefined ? "" : ` (${place.warning(at)})`}`);
	return `${text.join("\n")}\n`;
}

function stagesOf(steps: readonly InitStep[]): Section[] {
	const sections = stages.map(({ title }) => ({ title, lines: [] as Line[] }));
	let stage = 0;
	for (const step of steps) {
		sections[stage]?.lines.push({ op: step.op, sentence: describeInitStep(step), at: step.at });
		// A plan may lack a stage's end (no clone where nothing is new): the end of a later stage ends it, too.
		const ended = stages.findIndex(({ ends }, index) => index >= stage && ends(step));
		if (ended >= 0) stage = ended + 1;
	}
	return sections;
}

/** Number, step, sentence (folded where it is long), pointer. */
function format({ op, sentence, at }: Line, number: number, opWidth: number): string[] {
	const [first = "", ...rest] = fold(sentence);
	const head = `${String(number).padStart(4)}  ${op.padEnd(opWidth)}  `;
	const pointer = at === undefined ? "" : `  ${at}`;
	const indent = " ".repeat(head.length);
	return [
		`${head}${pointer === "" ? first : first.padEnd(sentenceWidth)}${pointer}`,
		...rest.map((part) => indent + part),
	];
}

function fold(sentence: string): string[] {
	const lines: string[] = [];
	let line = "";
	for (const word of sentence.split(" ")) {
		if (line !== "" && line.length + 1 + word.length > sentenceWidth) {
			lines.push(line);
			line = `  ${word}`;
		} else {
			line = line === "" ? word : `${line} ${word}`;
		}
	}
	return [...lines, line];
}
