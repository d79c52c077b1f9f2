/** `make install` and `make uninstall`, below a folder of the test's own. */
import { spawnSync } from "node:child_process";
import { existsSync, readdirSync, readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import t from "tap";
import { commands } from "../../src/cli/table.js";

const built = ["build/runtime-ts", "build/man/.stamp"];
const directory = t.testdir();

/** What was built is taken as it is: a test does not build. */
function make(target: string): string {
	const old = built.flatMap((file) => ["-o", file]);
	const run = spawnSync("make", [...old, target, `DESTDIR=${directory}`, "PREFIX=/usr"], { encoding: "utf8" });
	if (run.status !== 0) throw new Error(`make ${target}: ${run.stderr}`);
	return run.stdout;
}

function files(): string[] {
	return readdirSync(directory, { recursive: true, withFileTypes: true })
		.filter((entry) => entry.isFile())
		.map((entry) => join(entry.parentPath, entry.name).slice(directory.length))
		.sort();
}

const pages = ["runtime-ts", ...commands().map(({ name }) => `runtime-ts-${name}`)].map(
	(name) => `/usr/share/man/man8/${name}.8`,
);
const completions = [
	"/usr/share/bash-completion/completions/runtime-ts",
	"/usr/share/fish/vendor_completions.d/runtime-ts.fish",
	"/usr/share/zsh/site-functions/_runtime-ts",
];

t.test("install, uninstall", { skip: built.every((file) => existsSync(file)) ? false : "not built" }, async (t) => {
	make("install");
	t.same(files(), ["/usr/bin/runtime-ts", ...completions, ...pages].sort());
	t.equal(statSync(join(directory, "usr/bin/runtime-ts")).mode & 0o777, 0o755);
	for (const file of completions) {
		const text = readFileSync(join(directory, file), "utf8");
		t.match(text, /completion of runtime-ts/, file);
		t.ok(text.includes("no-subreaper"), `${file} is whole`);
	}
	// compinit takes a file of fpath for a completion by its first line.
	t.match(readFileSync(join(directory, completions[2] ?? ""), "utf8"), /^#compdef runtime-ts\n/);

	const man = spawnSync("man", ["-M", join(directory, "usr/share/man"), "runtime-ts-run"], {
		encoding: "utf8",
		env: { ...process.env, MANPAGER: "cat", MANWIDTH: "80", LC_ALL: "C.UTF-8" },
	});
	if (man.error) t.comment("man is not installed");
	else t.match(man.stdout, /runtime-ts-run - create and start a container/);

	make("uninstall");
	t.same(files(), []);
});
