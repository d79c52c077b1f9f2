/**
 * Results of the lanes, test by test: table.ts RUNTIME PEER TABLE TAP-FILE... writes them to the file TABLE, if it has a
 * name; otherwise prints what runc passes on the same machine, by the table PEER, and this runtime does not.
 */
import { spawnSync } from "node:child_process";
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { basename, join } from "node:path";

const [runtime = "", peerName = "", table = "", ...files] = process.argv.slice(2);
const peer = join(import.meta.dirname, peerName);

/** Result by "engine | test", in the order of the run: passed, FAILED, or why it was skipped. */
function results(file: string): Map<string, string> {
	const engine = basename(file, ".tap");
	const found = new Map<string, string>();
	const path: string[] = [];
	const tests = new Set<string>();
	for (const line of readFileSync(file, "utf8").split("\n")) {
		const depth = Math.floor((line.length - line.trimStart().length) / 4);
		const started = /^# Subtest: (.*)$/.exec(line.trim())?.[1];
		if (started !== undefined) {
			path.length = depth;
			path[depth] = started;
			// The first of the path is the file; a test's place in the table is where it begins.
			if (depth > 0) {
				const name = path.slice(1).join(" > ");
				tests.add(name);
				found.set(`${engine} | ${name}`, "");
			}
			continue;
		}
		const point = /^(not )?ok \d+ - (.*?)(?: # (?:SKIP|TODO) ?(.*?))?(?: # time=.*)?(?: \{)?$/i.exec(line.trim());
		if (!point || depth === 0) continue;
		const [, failed, title = "", reason] = point;
		path.length = depth;
		const name = [...path.slice(1), title].join(" > ");
		// Not asked for: what an earlier run said of it holds.
		if (reason?.startsWith("filter: ")) {
			found.delete(`${engine} | ${name}`);
			continue;
		}
		// What is neither a test nor a skipped one is an assertion of a test.
		if (reason === undefined && !tests.has(name)) continue;
		found.set(`${engine} | ${name}`, failed ? "FAILED" : reason === undefined ? "passed" : `skipped: ${reason}`);
	}
	return found;
}

const own = new Map(files.flatMap((file) => [...results(file)]));

if (table !== "") {
	const version = spawnSync(runtime, ["--version"], { encoding: "utf8" }).stdout.split("\n")[0];
	const rows = [...own].map(([test, result]) => `| ${test} | ${result} |`);
	const head = `# The lanes with ${version}\n\nWritten by \`make ${peerName === "runc-v2.md" ? "test-engines-vm" : "test-engines"} RUNTIME=${runtime} TABLE=${table}\`.\n`;
	writeFileSync(table, `${head}\n| engine | test | result |\n|---|---|---|\n${rows.join("\n")}\n`);
}

if (existsSync(peer) && table === "") {
	for (const row of readFileSync(peer, "utf8").split("\n")) {
		const [, engine, test, result] =
			row.split(" | ").length >= 3 ? (/^\| (\S+) \| (.*) \| (.*) \|$/.exec(row) ?? []) : [];
		const mine = own.get(`${engine} | ${test}`);
		if (result === "passed" && mine !== undefined && mine !== "passed") {
			console.log(`runc passes, ${basename(runtime)} does not (${mine}): ${engine}: ${test}`);
		}
	}
}
