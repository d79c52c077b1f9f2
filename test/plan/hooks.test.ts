import t from "tap";
import { compile, defaultSpec, position, stepsOf } from "./fixture.js";

t.test("hooks in the container", async (t) => {
	const spec = defaultSpec();
	spec.annotations = { a: "b" };
	spec.process.env = ["PATH=/bin", "HOME=/"];
	spec.hooks = {
		createContainer: [{ path: "/a" }, { path: "/b", args: ["b", "1"], env: ["X=1"], timeout: 3 }],
		startContainer: [{ path: "/c" }, { path: "/d", env: [] }],
	};
	const plan = compile(spec);
	const state = { ociVersion: "1.3.0", id: "c1", bundle: "/bundle", annotations: { a: "b" } };
	t.strictSame(stepsOf(plan, "hook.run"), [
		{
			op: "hook.run",
			at: "/hooks/createContainer/0",
			stage: "createContainer",
			index: 0,
			path: "/a",
			args: ["/a"],
			env: [],
			state: { ...state, status: "creating" },
		},
		{
			op: "hook.run",
			at: "/hooks/createContainer/1",
			stage: "createContainer",
			index: 1,
			path: "/b",
			args: ["b", "1"],
			env: ["X=1"],
			timeout: 3,
			state: { ...state, status: "creating" },
		},
		{
			op: "hook.run",
			at: "/hooks/startContainer/0",
			stage: "startContainer",
			index: 0,
			path: "/c",
			args: ["/c"],
			env: ["PATH=/bin", "HOME=/"],
			state: { ...state, status: "created" },
		},
		{
			op: "hook.run",
			at: "/hooks/startContainer/1",
			stage: "startContainer",
			index: 1,
			path: "/d",
			args: ["/d"],
			env: [],
			state: { ...state, status: "created" },
		},
	]);
});

t.test("createContainer hooks see the mounts and the old root, startContainer hooks the start", async (t) => {
	const spec = defaultSpec();
	spec.hooks = { createRuntime: [{ path: "/r" }], createContainer: [{ path: "/a" }], startContainer: [{ path: "/c" }] };
	const plan = compile(spec);
	const at = (op: string) => position(plan, (step) => step.op === op);
	t.ok(plan.init.findLastIndex((step) => step.op === "mount.bind") < at("hooks.sync"));
	t.equal(at("hook.run"), at("hooks.sync") + 1);
	t.ok(at("hook.run") < at("root.enter"));
	t.equal(
		plan.init.findLastIndex((step) => step.op === "hook.run"),
		at("start.wait") + 1,
	);
});
