/** A plan for people: its steps in the order in which they happen, each with the config value that it comes from. */
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
	].filter(({ lines }) => lines.length > 0);
	const opWidth = Math.max(...sections.flatMap(({ lines }) => lines.map(({ op }) => op.length)));
	const text = [`plan of ${plan.id}`, `  bundle ${plan.bundle}`, `  rootfs ${plan.rootfs}`];
	let number = 1;
	for (const { title, lines } of sections) {
		text.push("", title);
		for (const line of lines) text.push(...format(line, number++, opWidth));
	}
	if (plan.warnings.length > 0) text.push("", "warnings");
	for (const { at, message } of plan.warnings)
		text.push(`  ${message}${at === undefined ? "" : ` (config.json#${at})`}`);
	return `${text.join("\n")}\n`;
}

function stagesOf(steps: readonly InitStep[]): { title: string; lines: Line[] }[] {
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
	const pointer = at === undefined ? "" : `  #${at}`;
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
