/** A layer knows only the ones below it (DESIGN: cli, container, plan, cgroup, bundle; native beside them). */
import { readdirSync, readFileSync } from "node:fs";
import { dirname, join, normalize } from "node:path";
import t from "tap";

const mayImport: Record<string, string[]> = {
	cli: ["cli", "container", "plan", "cgroup", "bundle", "native", "generated"],
	container: ["container", "plan", "cgroup", "bundle", "native"],
	plan: ["plan", "cgroup", "bundle"],
	cgroup: ["cgroup", "bundle"],
	bundle: ["bundle", "generated"],
	native: ["native"],
};
/** The plan's step types are the common language of plan/ and cgroup/, and loading a bundle takes the native verbs. */
const exceptions = new Map([
	["src/cgroup", ["src/plan/schema.js"]],
	["src/bundle/load.ts", ["src/native/api.js"]],
]);

function sources(folder: string): string[] {
	return readdirSync(folder, { withFileTypes: true, recursive: true })
		.filter((entry) => entry.isFile() && entry.name.endsWith(".ts"))
		.map((entry) => join(entry.parentPath ?? entry.path, entry.name));
}

/** Specifiers of every static and dynamic import in a file. */
function imports(file: string): string[] {
	const text = readFileSync(file, "utf8");
	return [...text.matchAll(/(?:from|import)\s*\(?\s*"([^"]+)"/g)].map((match) => match[1] ?? "");
}

for (const [layer, allowed] of Object.entries(mayImport)) {
	t.test(`src/${layer} imports only from ${allowed.join(", ")}`, async (t) => {
		for (const file of sources(join("src", layer))) {
			for (const specifier of imports(file).filter((name) => name.startsWith("."))) {
				const target = normalize(join(dirname(file), specifier));
				const folder = target.split("/")[1] ?? "";
				const excepted = [...exceptions].some(([place, targets]) => file.startsWith(place) && targets.includes(target));
				const shared = target === "src/errors.js" || target.startsWith("build/");
				if (!shared && !excepted && !allowed.includes(folder)) t.fail(`${file} imports ${specifier}`);
			}
		}
		t.pass();
	});
}

t.test("the pure layers touch nothing outside", async (t) => {
	for (const layer of ["bundle", "plan", "cgroup"]) {
		for (const file of sources(join("src", layer))) {
			const outside = imports(file).filter((name) => name.startsWith("node:") && name !== "node:path");
			t.strictSame(outside, [], file);
		}
	}
});

t.test("src uses what Node and bun both have", async (t) => {
	for (const file of sources("src")) t.notMatch(readFileSync(file, "utf8"), /\bBun\./, file);
});

t.test("node:fs stays off the hot path: only files that are loaded lazily import it", async (t) => {
	const lazy = ["src/native/unpack.ts", "src/native/own-directory.ts"];
	for (const file of sources("src")) {
		if (lazy.includes(file)) continue;
		const text = readFileSync(file, "utf8");
		t.notMatch(text, /^import (?!type).*"node:(fs|util|crypto|stream|tty|net|child_process|assert)/m, file);
	}
});
