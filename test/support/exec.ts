/** Containers to be entered, and the commands that enter them. */
import type { Edit } from "./bundle.js";
import type { CommandOptions, Result } from "./runtime.js";
import type { Container, Workspace } from "./workspace.js";

/** A started container that does nothing. */
export function sleeping(space: Workspace, edit: Edit = () => {}): Container {
	const container = space.container((config, bundle) => {
		config.process.args = ["/bin/sleep", "1000"];
		edit(config, bundle);
	});
	start(container);
	return container;
}

export function start(container: Container): void {
	for (const result of [container.create(), container.start()]) {
		if (result.status !== 0) throw new Error(result.stderr);
	}
}

/** Options, and then the program; both are lines of words. */
export function exec(
	container: Container,
	options: string | string[],
	command: string | string[],
	driver: CommandOptions = {},
): Result {
	return container.runtime.command(["exec", ...words(options), container.id, ...words(command)], driver);
}

function words(line: string | string[]): string[] {
	return typeof line === "string" ? line.split(" ").filter((word) => word !== "") : line;
}

/** Standard output of a shell script in the container, trimmed. */
export function ask(container: Container, script: string, options: string | string[] = []): string {
	const result = exec(container, options, ["/bin/sh", "-c", script]);
	if (result.status !== 0) throw new Error(`exec failed with ${result.status}: ${result.stderr}${result.stdout}`);
	return result.stdout.trim();
}

export function end(container: Container): void {
	const result = container.delete("--force");
	if (result.status !== 0) throw new Error(result.stderr);
}
