/** The commands by what one wants to do, for help and for the manual. */
import type { CommandSpec } from "./table.js";

export interface Group<Command> {
	title: string;
	members: Command[];
}

const titles: readonly (readonly [title: string, names: readonly string[]])[] = [
	["Life of a container", ["run", "create", "start", "kill", "delete"]],
	["In a container that runs", ["exec", "pause", "resume", "update", "checkpoint", "restore"]],
	["What there is", ["list", "state", "ps", "events"]],
	["Bundles", ["spec", "validate", "explain"]],
	["This program", ["features", "completion"]],
];

/** Names that have a group, those of commands to come among them. */
export const groupedNames: readonly string[] = titles.flatMap(([, names]) => names);

/** Every command in its group; one that has none comes last, so that none is ever lost. Empty groups are left out. */
export function groups<Command extends Pick<CommandSpec, "name">>(commands: readonly Command[]): Group<Command>[] {
	const found = titles.map(([title, names]) => ({
		title,
		members: names.flatMap((name) => commands.find((command) => command.name === name) ?? []),
	}));
	const rest = commands.filter(({ name }) => !groupedNames.includes(name));
	return [...found, { title: "Other", members: rest }].filter(({ members }) => members.length > 0);
}
