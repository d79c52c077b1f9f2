/** Links between the documents lead somewhere, headings included. */
import { existsSync, readdirSync, readFileSync, statSync } from "node:fs";
import { dirname, join, normalize } from "node:path";
import t from "tap";

const repository = new URL("../..", import.meta.url).pathname;
const documents = [
	...readdirSync(repository).filter((file) => file.endsWith(".md")),
	...readdirSync(join(repository, "docs"), { recursive: true, encoding: "utf8" })
		.filter((file) => file.endsWith(".md"))
		.map((file) => join("docs", file)),
];

/** As code hosts make them of headings. */
function anchors(file: string): string[] {
	return [...readFileSync(join(repository, file), "utf8").matchAll(/^#+ (.*)$/gm)].map(([, heading = ""]) =>
		heading
			.toLowerCase()
			.replaceAll(/[^\p{L}\p{N} _-]/gu, "")
			.replaceAll(" ", "-"),
	);
}

t.test("every relative link", async (t) => {
	let seen = 0;
	for (const document of documents) {
		const text = readFileSync(join(repository, document), "utf8");
		for (const [, target = ""] of text.matchAll(/\]\(([^)\s]+)\)/g)) {
			if (/^[a-z]+:/.test(target)) continue;
			seen++;
			const [path = "", anchor] = target.split("#");
			const file = path === "" ? document : normalize(join(dirname(document), path));
			t.ok(existsSync(join(repository, file)), `${document}: ${target}`);
			if (anchor === undefined || !existsSync(join(repository, file)) || statSync(join(repository, file)).isDirectory())
				continue;
			t.ok(anchors(file).includes(anchor), `${document}: ${target}`);
		}
	}
	t.ok(seen > 8, `${seen} links`);
});
