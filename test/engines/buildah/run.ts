/** `buildah run`: a command in a working container. */
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import type { Test } from "tap";
import { image } from "../image.js";
import type { Buildah } from "./buildah.js";

export function runs(t: Test, buildah: Buildah): void {
	t.test("run: output, standard error and input", async (t) => {
		const answer = await buildah.run([], ["/bin/sh", "-c", "cat; echo wrong >&2"], { input: "asked\n" });
		t.equal(answer.status, 0);
		t.equal(answer.stdout, "asked\n");
		t.match(answer.stderr, /^wrong\n/);
	});

	t.test("run: a megabyte of output", async (t) => {
		const command = "dd if=/dev/zero bs=1k count=1024 2>/dev/null | tr '\\0' x";
		const { stdout } = await buildah.run([], ["/bin/sh", "-c", command]);
		t.equal(stdout.length, 1024 * 1024);
	});

	t.test("run: exit status of the process", async (t) => {
		for (const status of [0, 1, 42])
			t.equal((await buildah.run([], ["/bin/sh", "-c", `exit ${status}`])).status, status);
	});

	t.test("run: a program that is not there, one that cannot be executed", async (t) => {
		for (const [program, error] of [
			["no-such-program", /executable file not found in \$PATH/],
			["/etc/not-executable", /permission denied/],
		] as const) {
			const answer = await buildah.run([], [program]);
			t.not(answer.status, 0);
			t.match(answer.stderr, error);
		}
	});

	t.test("run --tty", async (t) => {
		const terminal = buildah.terminal(["/bin/sh"]);
		t.teardown(() => terminal.close());
		await terminal.shows(/[#$] /);
		terminal.write("tty; exit 7\n");
		await terminal.shows(/\/dev\/pts\/0/);
		t.equal((await terminal.ended()).status, 7);
	});

	t.test("run: environment, working directory, user, host name", async (t) => {
		const flags = ["--env", "A=b c", "--workingdir", "/etc", "--user", "1000:1000", "--hostname", "box"];
		const result = await buildah.inside(flags, {
			env: "echo $A $IMAGE",
			directory: "pwd",
			user: "id -u; id -g",
			name: "hostname",
		});
		t.same(result, { env: "b c lane", directory: "/etc", user: "1000\n1000", name: "box" });
	});

	t.test("run: capabilities, seccomp, volumes", async (t) => {
		writeFileSync(join(buildah.directory, "file"), "of the host\n", { mode: 0o644 });
		const result = await buildah.inside(["--cap-add", "CAP_NET_ADMIN", "--volume", `${buildah.directory}:/here:ro`], {
			status: "cat /proc/self/status",
			file: "cat /here/file; touch /here/no",
		});
		const effective = BigInt(`0x${/^CapEff:\t([0-9a-f]+)$/m.exec(result.status)?.[1]}`);
		t.ok(effective & (1n << 12n));
		t.match(result.status, /^Seccomp:\t2$/m);
		t.match(result.file, /^of the host\n.*Read-only file system/);
	});

	t.test("four at a time", async (t) => {
		const working = await Promise.all([1, 2, 3, 4].map(() => buildah.ok("from", image)));
		const all = working.map((name, index) =>
			buildah.command(["run", ...buildah.flags, name, "/bin/sh", "-c", `echo ${index}; exit ${index}`]),
		);
		for (const [index, answer] of (await Promise.all(all)).entries()) {
			t.equal(answer.status, index);
			t.equal(answer.stdout, `${index}\n`);
		}
		await buildah.ok("rm", ...working);
	});
}
