/** The errors that docs/troubleshooting.md explains are errors that the program has. */
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import t from "tap";
import { parseFull } from "../../src/cli/full.js";
import { messages, page } from "./troubleshooting.js";

const repository = new URL("../..", import.meta.url).pathname;
const bare = (text: string) => text.replaceAll(/["\\]/g, "");
const source = ["src", "addon"]
	.flatMap((folder) =>
		readdirSync(join(repository, folder), { recursive: true, encoding: "utf8" }).map((f) => join(folder, f)),
	)
	.filter((file) => /\.(?:ts|cc|h)$/.test(file) && !file.startsWith("src/generated"))
	.map((file) => bare(readFileSync(join(repository, file), "utf8")))
	.join("\n");

t.test("each message is in the source, part by part", async (t) => {
	t.ok(messages.length > 30, `${messages.length} messages`);
	t.equal(new Set(messages).size, messages.length, "none twice");
	for (const message of messages) {
		// What stands between variable parts or colons is one piece of text there.
		const parts = bare(message)
			.split(/\*|: /)
			.map((part) => part.trim())
			.filter((part) => part.length > 1);
		t.ok(parts.length > 0, message);
		for (const part of parts) t.ok(source.includes(part), `${message}: ${part}`);
	}
});

t.test("every heading has an explanation", async (t) => {
	for (const part of page.split(/^### /m).slice(1)) {
		const [heading = "", ...lines] = part.split("\n");
		t.match(heading, /^`.*`$/);
		t.ok(lines.join(" ").trim().length > 30, heading);
	}
});

t.test("every command line of this program is one that it takes", async (t) => {
	const lines = [...page.matchAll(/`runtime-ts ([^`]*)`/g)].map(([, words = ""]) => words.replaceAll(/\s+/g, " "));
	t.ok(lines.length > 8);
	for (const line of lines) {
		// A command alone, without its arguments, is a name.
		if (/^[a-z]+$/.test(line)) continue;
		const argv = line.replace(/ \.\.\.$/, " list").split(" ");
		t.equal((await parseFull(argv)).kind, "parsed", line);
	}
});
