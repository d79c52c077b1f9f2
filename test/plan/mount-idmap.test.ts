import t from "tap";
import type { Spec } from "../../src/bundle/spec.js";
import { describeInitStep } from "../../src/plan/describe.js";
import { explainFailure } from "../../src/plan/failure.js";
import type { InitStep, MountIdMap } from "../../src/plan/schema.js";
import { compile, defaultSpec } from "./fixture.js";

type Mount = NonNullable<Spec["mounts"]>[number];

const mapping = [
	{ containerID: 0, hostID: 100000, size: 10 },
	{ containerID: 10, hostID: 5, size: 1 },
];
const ranges: [number, number, number][] = [
	[0, 100000, 10],
	[10, 5, 1],
];

function step(mount: Mount, user: boolean | string = true): InitStep {
	const spec = defaultSpec();
	if (user) {
		spec.linux.namespaces?.push(typeof user === "string" ? { type: "user", path: user } : { type: "user" });
		if (user === true)
			spec.linux.uidMappings = spec.linux.gidMappings = [
				{ containerID: 0, hostID: 200000, size: 100 },
				{ containerID: 100, hostID: 1000, size: 10 },
			];
	}
	const found = compile({ ...spec, mounts: [mount] }).init.find(({ at }) => at === "/mounts/0");
	if (found === undefined) throw new Error("no step for the mount");
	return found;
}

function idmap(mount: Mount, user?: boolean | string): MountIdMap | undefined {
	const found = step(mount, user);
	return found.op === "mount.bind" || found.op === "mount.filesystem" ? found.idmap : undefined;
}

const bind = (...options: string[]): Mount => ({ destination: "/d", source: "/s", options: ["rbind", ...options] });

t.test("a plain mount has no mapping", async (t) => {
	t.notOk("idmap" in step(bind("ro")));
	t.notOk("idmap" in step({ destination: "/d", type: "tmpfs" }));
	t.notOk("idmap" in step({ ...bind(), uidMappings: [], gidMappings: [] }));
});

t.test("mappings of the mount", async (t) => {
	const both = { uidMappings: mapping, gidMappings: [{ containerID: 1, hostID: 2, size: 3 }] };
	const expected = { uid: ranges, gid: [[1, 2, 3]] };
	for (const user of [true, false, "/proc/7/ns/user"]) {
		t.strictSame(
			idmap({ ...bind(), ...both }, user),
			{ recursive: false, ...expected },
			"without an option: one mount",
		);
		t.strictSame(idmap({ ...bind("idmap"), ...both }, user), { recursive: false, ...expected });
		t.strictSame(idmap({ ...bind("ridmap"), ...both }, user), { recursive: true, ...expected });
	}
	t.strictSame(
		idmap({ ...bind("ridmap=uids=9-9-9;gids=9-9-9"), ...both }),
		{ recursive: true, ...expected },
		"they win over those of the option",
	);
	t.strictSame(idmap({ destination: "/d", type: "tmpfs", ...both }), { recursive: false, ...expected });
	t.strictSame(idmap({ ...bind("idmap", "ridmap"), ...both })?.recursive, true, "the later option counts");
	t.strictSame(idmap({ ...bind("ridmap", "idmap"), ...both })?.recursive, false, "the later option counts");
});

t.test("without mappings, those of the container's user namespace", async (t) => {
	t.strictSame(idmap(bind("idmap")), { recursive: false });
	t.strictSame(idmap(bind("ridmap")), { recursive: true });
	t.strictSame(idmap(bind("idmap"), "/proc/7/ns/user"), { recursive: false }, "also of one that is joined");
	t.equal(
		idmap({ destination: "/d", type: "tmpfs", options: ["idmap"] }),
		undefined,
		"a filesystem that is made there has them already",
	);
});

t.test("mappings in the option, in crun's form", async (t) => {
	t.strictSame(idmap(bind("idmap=uids=0-1-10#10-11-10;gids=0-100-10"), false), {
		recursive: false,
		uid: [
			[0, 1, 10],
			[10, 11, 10],
		],
		gid: [[0, 100, 10]],
	});
	t.strictSame(
		idmap(bind("ridmap=gids=@7-105-5;uids=@1-3-10#20-30-1")),
		{
			recursive: true,
			uid: [
				[1, 200003, 10],
				[20, 30, 1],
			],
			gid: [[7, 1005, 5]],
		},
		"@: from ids of the container to those of the host",
	);
	t.strictSame(idmap(bind("idmap=")), { recursive: false }, "with nothing in it");
	const found = step(bind("idmap=uids=0-1-10;gids=0-100-10"), false);
	t.notMatch(JSON.stringify(found), "uids=", "the filesystem does not see it");
});

t.test("what a person reads of it", async (t) => {
	t.equal(
		describeInitStep(step({ ...bind("ridmap"), uidMappings: mapping, gidMappings: mapping })),
		"bind /s on /d (with its submounts, ids mapped recursively: 2 uid ranges, 2 gid ranges)",
	);
	t.equal(describeInitStep(step(bind("idmap"))), "bind /s on /d (with its submounts, ids mapped: as the container)");
	const init = [step(bind("ridmap"))];
	const failure = { step: 0, syscall: "mount_setattr", errno: 22, code: "EINVAL", detail: "MOUNT_ATTR_IDMAP" };
	const { message, context } = explainFailure({ init }, failure);
	t.match(message, /error mounting "\/s" to rootfs at "\/d": .*invalid argument \(config.json#\/mounts\/0\)$/);
	t.match(context, {
		pointer: "/mounts/0",
		errno: "EINVAL",
		hint: /mount below it, does not support id-mapped mounts/,
	});
	t.match(explainFailure({ init }, { ...failure, errno: 1, code: "EPERM" }).context.hint, /host root/);
});
