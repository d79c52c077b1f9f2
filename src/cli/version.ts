/** What this build is. */
import type { Native } from "../native/api.js";
import { programName } from "./table.js";

/** Put in by the build of the standalone binary; not there under Node. */
declare const __RUNTIME_TS_VERSION__: string | undefined;
declare const __RUNTIME_TS_COMMIT__: string | undefined;

/** The runtime-spec release whose config.json is understood. */
export const specVersion = "1.3.0";

export interface Build {
	version: string;
	commit: string;
}

export async function readBuild(native: Native): Promise<Build> {
	const commit = typeof __RUNTIME_TS_COMMIT__ === "undefined" ? "unknown" : __RUNTIME_TS_COMMIT__;
	if (typeof __RUNTIME_TS_VERSION__ !== "undefined") return { version: __RUNTIME_TS_VERSION__, commit };
	return { version: await packageVersion(native), commit };
}

/** The package's version: package.json lies above both src/cli and build/js/cli, at a different distance. */
async function packageVersion(native: Native): Promise<string> {
	const { fileURLToPath } = await import("node:url");
	for (const above of ["../../package.json", "../../../package.json"]) {
		const path = fileURLToPath(new URL(above, import.meta.url));
		if (native.stat({ path })) return (JSON.parse(native.readText({ path })) as { version: string }).version;
	}
	return "unknown";
}

/** Docker takes the last line with the word "version" for the version: only the first line may hold it. */
export async function versionText(native: Native): Promise<string> {
	const { version, commit } = await readBuild(native);
	return [
		`${programName} version ${version}`,
		`commit: ${commit}`,
		`spec: ${specVersion}`,
		`libseccomp: ${native.libseccompVersion}`,
		"",
	].join("\n");
}
