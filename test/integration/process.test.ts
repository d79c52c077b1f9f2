import { mkdirSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import t from "tap";
import { nothingLeft, workspace } from "../support/workspace.js";

const space = workspace(t);

t.test("user, groups and umask", async (t) => {
	const questions = {
		ids: "grep -E '^(Uid|Gid|Groups)' /proc/self/status",
		umask: "umask",
		file: "touch /tmp/f; stat -c '%a %u:%g' /tmp/f",
	};
	const seen = space.inside((config) => {
		config.root.readonly = false;
		config.process.user = { uid: 1000, gid: 1001, additionalGids: [5, 70000], umask: 0o027 };
	}, questions);
	t.match(seen.ids, /^Uid:\t1000\t1000\t1000\t1000$/m);
	t.match(seen.ids, /^Gid:\t1001\t1001\t1001\t1001$/m);
	t.match(seen.ids, /^Groups:\t5 70000 *$/m);
	t.equal(seen.umask, "0027");
	t.equal(seen.file, "640 1000:1001");

	const none = space.inside((config) => {
		config.root.readonly = false;
	}, questions);
	t.match(none.ids, /^Groups:\s*$/m, "no group of the caller's");
});

// The caller's would be 0 under containerd's shim and buildkitd, and files would be writable for everyone.
t.test("an unset umask is 0022, as with runc and crun", async (t) => {
	const seen = space.inside(() => {}, { umask: "umask" }, { shell: "umask 0031;" });
	t.equal(seen.umask, "0022");
});

t.test("a user that is not in /etc/passwd", async (t) => {
	const seen = space.inside(
		(config) => {
			config.process.user = { uid: 4000000, gid: 4000001 };
		},
		{ ids: "grep -E '^(Uid|Gid)' /proc/self/status" },
	);
	t.match(seen.ids, /^Uid:\t4000000\t/m);
	t.match(seen.ids, /^Gid:\t4000001\t/m);
});

t.test("no_new_privs and oom_score_adj", async (t) => {
	const questions = { privileges: "grep NoNewPrivs /proc/self/status", oom: "cat /proc/self/oom_score_adj" };
	const set = space.inside((config) => {
		config.process.noNewPrivileges = true;
		config.process.oomScoreAdj = 123;
	}, questions);
	t.match(set.privileges, /\t1$/);
	t.equal(set.oom, "123");
	const unset = space.inside(
		(config) => {
			delete config.process.noNewPrivileges;
		},
		questions,
		{ shell: "echo 77 > /proc/self/oom_score_adj;" },
	);
	t.match(unset.privileges, /\t0$/);
	t.equal(unset.oom, "77", "unset leaves the caller's value alone");
});

t.test("environment, arguments and working directory", async (t) => {
	const container = space.container((config, bundle) => {
		mkdirSync(join(bundle.rootfs, "work dir"));
		config.process.env = ["PATH=/bin", "EMPTY=", "QUOTED=a \"b\" 'c' $d", "UNICODE=ünï→", "LINES=one\ntwo"];
		config.process.cwd = "/work dir";
		config.process.args = [
			"/bin/sh",
			"-c",
			'env -u PWD -u SHLVL -u OLDPWD; echo "cwd=$(readlink /proc/self/cwd)"; for a in "$@"; do echo "arg=<$a>"; done; tr "\\0" "\\n" </proc/$$/cmdline | tail -n 3',
			"zero",
			"",
			"two words",
			"$HOME",
		];
	});
	const result = container.run();
	t.equal(result.status, 0, result.stderr);
	for (const line of ["EMPTY=", "QUOTED=a \"b\" 'c' $d", "UNICODE=ünï→", "LINES=one", "two", "cwd=/work dir"]) {
		t.ok(result.stdout.split("\n").includes(line), line);
	}
	t.same(result.stdout.match(/^arg=.*$/gm), ["arg=<>", "arg=<two words>", "arg=<$HOME>"]);
	t.notMatch(result.stdout, /NODE_|TAP|RUNTIME/, "nothing of the caller's environment");
});

t.test("the last of two variables of one name wins, HOME comes from /etc/passwd", async (t) => {
	const questions = { home: "echo $HOME", twice: "env | grep ^TWICE" };
	const seen = space.inside((config) => {
		config.process.user = { uid: 1000, gid: 1000 };
		config.process.env.push("TWICE=first", "TWICE=last");
	}, questions);
	t.equal(seen.home, "/home");
	t.match(seen.twice, /TWICE=last$/);
	const given = space.inside((config) => {
		config.process.env.push("HOME=/elsewhere", "TWICE=once");
	}, questions);
	t.equal(given.home, "/elsewhere");
});

t.test("args[0] is found by the container's PATH, in the container's root, in its order", async (t) => {
	const script = (text: string) => `#!/bin/sh\necho ${text}\n`;
	const container = space.container((config, bundle) => {
		mkdirSync(join(bundle.rootfs, "first"));
		mkdirSync(join(bundle.rootfs, "second"));
		writeFileSync(join(bundle.rootfs, "first/tool"), script("not executable"), { mode: 0o644 });
		writeFileSync(join(bundle.rootfs, "second/tool"), script("second"), { mode: 0o755 });
		writeFileSync(join(bundle.rootfs, "usr/bin/tool"), script("usr"), { mode: 0o755 });
		symlinkSync("/usr/bin", join(bundle.rootfs, "link"));
		config.process.env = ["PATH=/missing:/first:/second:/usr/bin"];
		config.process.args = ["tool"];
	});
	t.equal(container.run().stdout, "second\n");
});

t.test("a relative path is taken from the working directory", async (t) => {
	const container = space.container((config, bundle) => {
		writeFileSync(join(bundle.rootfs, "home/tool"), "#!/bin/sh\necho at home\n", { mode: 0o755 });
		config.process.cwd = "/home";
		config.process.args = ["./tool"];
	});
	const result = container.run();
	t.equal(result.stdout, "at home\n", result.stderr);
});

t.test("a working directory that is missing is made", async (t) => {
	const seen = space.inside(
		(config) => {
			config.root.readonly = false;
			config.process.cwd = "/made/for/me";
		},
		{ pwd: "pwd; readlink /proc/self/cwd", stat: "stat -c %a /made/for" },
	);
	t.equal(seen.pwd, "/made/for/me\n/made/for/me");
	t.equal(seen.stat, "755");
});

t.test("a working directory that only the user may enter", async (t) => {
	const seen = space.inside(
		(config) => {
			config.mounts.push({
				destination: "/home",
				type: "tmpfs",
				source: "tmpfs",
				options: ["uid=1000", "gid=1000", "mode=700"],
			});
			config.process.user = { uid: 1000, gid: 1000 };
			config.process.cwd = "/home";
			config.process.capabilities = {};
		},
		{ pwd: "readlink /proc/self/cwd" },
	);
	t.equal(seen.pwd, "/home");
});

nothingLeft(t, space);
