import { readLayout } from "../../cgroup/layout.js";
import { RuntimeError } from "../../errors.js";
import { defaultConfig } from "../default-config.js";
import type { Command } from "../session.js";

export const spec: Command<"spec"> = ({ options }, { native }) => {
	const path = options.bundle ? `${options.bundle}/config.json` : "config.json";
	if (native.stat({ path, noFollow: true })) {
		throw new RuntimeError("usage", "File config.json exists. Remove it first", { path });
	}
	const { euid, egid } = native.identity();
	const config = defaultConfig({
		unifiedCgroup: readLayout(native.readText({ path: "/proc/self/mountinfo", lossy: true })).mode === "v2",
		...(options.rootless ? { rootless: { uid: euid, gid: egid } } : {}),
	});
	native.replaceFile({ path, text: JSON.stringify(config, null, "\t"), mode: 0o666 });
	return 0;
};
