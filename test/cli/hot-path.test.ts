import { readFileSync } from "node:fs";
import { dirname, join, normalize } from "node:path";
import t from "tap";

/** Specifiers that are loaded with a file: type imports are erased, import() comes later. */
function loadedWith(file: string): string[] {
	const text = readFileSync(file, "utf8");
	return [...text.matchAll(/^(?:import|export) (?!type\b)(?:[^"';]*? from )?"([^"]+)"/gm)].map(
		(match) => match[1] ?? "",
	);
}

function reach(file: string, files: Set<string>, packages: Set<string>): void {
	if (files.has(file)) return;
	files.add(file);
	for (const specifier of loadedWith(file)) {
		if (!specifier.startsWith(".")) packages.add(specifier);
		else reach(normalize(join(dirname(file), specifier)).replace(/\.js$/, ".ts"), files, packages);
	}
}

// yargs, zod, node:fs and node:util cost more than a container each, and node:path a tenth of one.
t.test("what is loaded before any command starts", async (t) => {
	const files = new Set<string>();
	const packages = new Set<string>();
	reach("src/cli/main.ts", files, packages);
	t.ok(files.has("src/plan/exec.ts"), "exec comes with its compiler");
	t.same([...packages], []);
	const lazy = ["cli/full", "cli/version", "cli/default-config", "cli/commands/list", "cli/completion/bash"];
	const ofBundles = ["bundle/rules/rules", "plan/compile", "plan/mounts", "cgroup/v1", "cgroup/systemd"];
	for (const name of [...lazy, ...ofBundles]) t.notOk(files.has(`src/${name}.ts`), name);
});

t.test("what is loaded before create and run start", async (t) => {
	const files = new Set<string>();
	const packages = new Set<string>();
	reach("src/cli/commands/from-bundle.ts", files, packages);
	t.ok(files.has("src/plan/compile.ts"), "create comes with its compiler");
	t.same([...packages], []);
	for (const name of ["cli/full", "cli/default-config", "container/criu/restore"])
		t.notOk(files.has(`src/${name}.ts`), name);
});
