/** The file of `exec --process`. */
import { configError } from "../bundle/config-error.js";
import { parseProcess } from "../bundle/process-file.js";
import type { Process } from "../bundle/spec.js";
import { RuntimeError } from "../errors.js";
import type { Native } from "../native/api.js";
import { errnoText } from "../plan/errno.js";
import { isNativeFailure } from "./errno.js";
import type { ExecRequest } from "./exec-request.js";

/** Throws a RuntimeError that lists every error in it. */
export function loadProcess(native: Native, path: string, onWarning: ExecRequest["onWarning"]): Process {
	const { process, diagnostics } = parseProcess(read(native, path));
	if (diagnostics.length === 0) return process;
	const [first, ...others] = diagnostics.filter(({ severity }) => severity === "error");
	if (first !== undefined) {
		const { code, message } = configError([first, ...others], "process.json");
		throw new RuntimeError(code, message, {
			path,
			pointer: `/process${first.pointer}`,
			origin: first.pointer === "" ? "process.json" : `process.json#${first.pointer}`,
		});
	}
	for (const { message, pointer } of diagnostics) onWarning?.(message, `/process${pointer}`);
	return process;
}

function read(native: Native, path: string): string {
	try {
		return native.readText({ path });
	} catch (error) {
		if (!isNativeFailure(error)) throw error;
		const { code, errno, syscall } = error;
		if (code === "EILSEQ")
			throw new RuntimeError("config.syntax", "process.json: the file is not valid UTF-8", { path });
		const message = `open ${path}: ${errnoText(code, errno)}`;
		throw new RuntimeError("config.unreadable", message, { path, syscall, errno: code });
	}
}
