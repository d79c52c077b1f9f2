/** The table of the host's ps(1), cut down to some processes. */
import { RuntimeError } from "../errors.js";

/** What ps prints for these arguments. */
export async function hostTable(args: readonly string[], env: Record<string, string>): Promise<string> {
	const { spawnSync } = await import("node:child_process");
	const largest = 1 << 28;
	const { error, status, signal, stdout, stderr } = spawnSync("ps", args, {
		env,
		encoding: "utf8",
		maxBuffer: largest,
		stdio: ["ignore", "pipe", "pipe"],
	});
	if (error) {
		const missing = (error as NodeJS.ErrnoException).code === "ENOENT";
		throw new RuntimeError(
			missing ? "host.unsupported" : "io",
			missing ? 'exec: "ps": executable file not found in $PATH' : `exec: "ps": ${error.message}`,
			{ hint: "the table is made by the host's ps, of the package procps; --format json does without" },
		);
	}
	if (status !== 0) {
		const how = signal === null ? `exit status ${status}` : `signal: ${signal}`;
		throw new RuntimeError("usage", `${how}: ${stdout}${stderr}`);
	}
	return stdout;
}

/** The heading, and the lines of these processes. */
export function ofProcesses(table: string, pids: readonly number[]): string {
	const [heading = "", ...lines] = table.split("\n");
	const column = words(heading).indexOf("PID");
	if (column < 0) {
		throw new RuntimeError("usage", "couldn't find PID field in ps output", {
			hint: "have ps print the pids, for instance with -o pid,comm",
		});
	}
	const kept = lines.filter((line) => {
		if (line === "") return false;
		const word = words(line)[column] ?? "";
		if (!/^\d+$/.test(word))
			throw new RuntimeError("usage", `unable to parse pid: ${JSON.stringify(word)} of ps output`);
		return pids.includes(Number(word));
	});
	return [heading, ...kept, ""].join("\n");
}

function words(line: string): string[] {
	return line.trim().split(/\s+/);
}
