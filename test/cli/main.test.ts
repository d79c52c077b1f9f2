import t from "tap";
import { drive, host, sample } from "./drive.js";

t.test("misuse: help on standard output, the error on standard error, 1", async (t) => {
	const count = await drive(host(), "start");
	t.equal(count.status, 1);
	t.match(count.stdout, /^Incorrect Usage\.\n\nUsage: runtime-ts start \[OPTIONS\] ID\n/);
	t.equal(count.stderr, 'runtime-ts: "start" requires exactly 1 argument(s)\n');

	t.match(await drive(host(), "kill"), {
		stderr: 'runtime-ts: "kill" requires a minimum of 1 argument(s)\n',
		status: 1,
	});
	t.match(await drive(host(), "kill", "a", "b", "c"), { stderr: /requires a maximum of 2 argument\(s\)/, status: 1 });
	// Podman asks `restore --lsm-mount-context` to learn whether an option exists.
	const value = await drive(host(), "create", "--pid-file");
	t.match(value, { status: 1, stderr: "flag needs an argument: -pid-file\n" });
	t.match(value.stdout, /^Incorrect Usage: flag needs an argument: -pid-file\n\nUsage: runtime-ts create /);
	t.match(await drive(host(), "create", "--bundel", "b", "c1"), {
		status: 1,
		stderr: "flag provided but not defined: -bundel\nhint: did you mean --bundle?\n",
	});
	// The status that urfave/cli has for it, and so runc.
	t.match(await drive(host(), "bogus", "c1"), { status: 3, stderr: /^No help topic for 'bogus'\n/ });
	t.match(await drive(host(), "help", "bogus"), { status: 3, stderr: /^No help topic for 'bogus'\n/ });
	t.match(await drive(host(), "list", "-f", "xml"), { status: 1, stderr: "invalid format option\n" });
	t.match(await drive(host(), "--log-format", "xml", "list"), { status: 1, stderr: "invalid log-format: xml\n" });
});

t.test("help is on standard output, with 0", async (t) => {
	for (const line of [["--help"], ["-h"], ["help"], ["help", "help"], ["help", "--help"], []]) {
		const { status, stdout, stderr } = await drive(host(), ...line);
		t.equal(status, 0);
		t.match(stdout, /\n {2}create .*\n[\s\S]*--log-format/);
		t.equal(stderr, "");
	}
	for (const line of [
		["help", "run"],
		["run", "--help"],
		["run", "x", "-h"],
		["--help", "run"],
	]) {
		const { status, stdout } = await drive(host(), ...line);
		t.equal(status, 0);
		t.match(stdout, /^Usage: runtime-ts run \[OPTIONS\] ID \| BUNDLE\n[\s\S]*--no-subreaper/);
	}
});

t.test("--version, as docker and go-runc read it", async (t) => {
	const { status, stdout } = await drive(host(), "--version");
	t.equal(status, 0);
	const lines = stdout.trimEnd().split("\n");
	t.match(lines[0], /^runtime-ts version \S+$/);
	t.match(lines[1], /^commit: \S+$/);
	t.equal(lines[2], "spec: 1.3.0");
	t.equal(lines[3], "libseccomp: 2.5.4");
	t.equal(lines.filter((line) => line.includes("version")).length, 1, "docker takes the last such line");
});

t.test("the log: one error record, nothing else", async (t) => {
	const native = host();
	const line = ["--log", "/here/log.json", "--log-format", "json", "--root", "/r"];
	t.match(await drive(native, ...line, "state", "gone"), { status: 1, stderr: "container does not exist\n" });
	const record = JSON.parse(native.files.read("/here/log.json"));
	t.match(record, { level: "error", msg: "container does not exist", code: "container.missing" });
	t.match(record.time, /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/);
	t.match(record, { path: "/r/gone", hint: /^there is no \/r\/gone: / });

	await drive(native, ...line, "state", "gone");
	t.equal(native.files.read("/here/log.json").trimEnd().split("\n").length, 2, "it is appended to");
});

t.test("the log as text is logrus's", async (t) => {
	const native = host();
	await drive(native, "--log", "/here/log", "--root", "/r", "create", "-b", "/none", "c1");
	t.match(
		native.files.read("/here/log"),
		/^time="\S+Z" level=error msg="runc create failed: chdir \/none: no such file or directory" code=bundle.missing path=\/none errno=ENOENT\n$/,
	);
});

t.test("misuse goes to the log, too", async (t) => {
	const native = host();
	await drive(native, "--log", "/here/log.json", "--log-format=json", "start");
	t.match(JSON.parse(native.files.read("/here/log.json")), { msg: /requires exactly 1 argument/, code: "usage" });
});

t.test("a log that cannot be opened", async (t) => {
	const native = host();
	const { status, stderr } = await drive(native, "--log", "/none/log", "--root", "/r", "create", "-b", "/b", "c1");
	t.equal(status, 1);
	t.equal(stderr, "cannot open log file: open /none/log: no such file or directory\n");
	t.notOk(native.files.has("/r"), "nothing was done");
});

t.test("--debug", async (t) => {
	const native = host();
	const { stderr } = await drive(native, "--debug", "list");
	t.match(stderr, /^time="\S+" level=debug msg="arguments: .*list.*"\n$/);
	await drive(native, "--debug", "--log", "/here/log", "--log-format", "json", "list");
	t.match(JSON.parse(native.files.read("/here/log").split("\n")[0] ?? ""), { level: "debug" });
});

t.test("--log-level", async (t) => {
	const config = JSON.parse(sample("runc-spec.json"));
	config.process.terminal = false;
	config.annotations = { "org.systemd.property.CPUWeight": "5" };
	const levels = async (...options: string[]) => {
		const native = host(JSON.stringify(config));
		const log = ["--log", "/here/log", "--log-format", "json"];
		await drive(native, ...options, ...log, "--root", "/r", "create", "-b", "/b", "c");
		const lines = native.files.read("/here/log").split("\n").filter(Boolean);
		return [...new Set(lines.map((line) => JSON.parse(line).level))].sort();
	};
	t.same(await levels(), ["error"]);
	t.same(await levels("--log-level", "error"), ["error"]);
	t.same(await levels("--log-level", "warning"), ["error", "warning"]);
	t.same(await levels("--log-level=debug"), ["debug", "error", "warning"]);
	t.same(await levels("--log-level", "error", "--debug"), ["debug", "error", "warning"], "--debug is stronger");
	const unknown = await drive(host(), "--log-level", "loud", "list");
	t.match(unknown, { status: 1, stderr: /^invalid log-level: loud\n/ });
});

t.test("--log-level error: no warnings", async (t) => {
	const native = host();
	native.files.put("/r/broken/state.json", "{}");
	t.match((await drive(native, "--root", "/r", "list")).stderr, /^warning: load container broken: /);
	t.equal((await drive(native, "--root", "/r", "--log-level", "error", "list")).stderr, "");
	const logged = ["--log", "/here/log", "--root", "/r", "list"];
	await drive(native, "--log-level", "error", ...logged);
	t.equal(native.files.read("/here/log"), "");
	await drive(native, ...logged);
	t.match(native.files.read("/here/log"), /level=warning/);
});

t.test("a hint and a hook's output are for people", async (t) => {
	const { stderr } = await drive(host(), "--root", "/", "list");
	t.equal(
		stderr,
		"Option --root argument should not be set to /\nhint: every directory below the state root is taken for a container\n",
	);
});

t.test("an error about the config names the value, in the log too", async (t) => {
	const config = JSON.parse(sample("runc-spec.json"));
	config.process.terminal = false;
	config.linux.cgroupsPath = "/../x";
	const native = host(JSON.stringify(config));
	const place = /^runc create failed: bad cgroup path .* \(config\.json#\/linux\/cgroupsPath\)$/;
	const { stderr } = await drive(native, "--log", "/here/log", "--log-format", "json", "create", "-b", "/b", "c1");
	t.match(stderr.split("\n")[0], place);
	t.match(JSON.parse(native.files.read("/here/log")), { msg: place, pointer: "/linux/cgroupsPath" });
});
