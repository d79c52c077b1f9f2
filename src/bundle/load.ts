/** A bundle from disk: its config.json, parsed and checked, and its root filesystem, found. */
import { RuntimeError } from "../errors.js";
import type { Native, NativeFailure } from "../native/api.js";
import { configError } from "./config-error.js";
import type { Diagnostic } from "./diagnostic.js";
import { parseConfig } from "./parse.js";
import type { Spec } from "./spec.js";

export interface Bundle {
	/** Absolute, symlinks resolved, as the kernel would name the working directory. */
	path: string;
	/** Absolute, symlinks resolved: a directory. */
	rootfs: string;
	spec: Spec;
	/** What is odd about config.json but does no harm. */
	warnings: Diagnostic[];
}

/** The tail of runc's messages, which engines match on. */
const reasons = (): Record<string, string> => ({
	ENOENT: "no such file or directory",
	ENOTDIR: "not a directory",
	EACCES: "permission denied",
	EFBIG: "file too large",
	EISDIR: "is a directory",
	ELOOP: "too many levels of symbolic links",
});

function reason({ code }: NativeFailure): string {
	return reasons()[code] ?? code;
}

function attempt<Result>(action: () => Result, failed: (failure: NativeFailure) => RuntimeError): Result {
	try {
		return action();
	} catch (thrown) {
		if (thrown instanceof Error && "syscall" in thrown) throw failed(thrown as NativeFailure);
		throw thrown;
	}
}

function unreadable(path: string, failure: NativeFailure): RuntimeError {
	const context = { path, syscall: failure.syscall, errno: failure.code };
	switch (failure.code) {
		case "ENOENT":
			return new RuntimeError("bundle.missing", "JSON specification file config.json not found", {
				...context,
				// The directory may be one that nobody named: the working directory.
				hint: `${path.slice(0, path.lastIndexOf("/")) || "/"} has none, so it is no bundle; \`runtime-ts spec\` writes one`,
			});
		case "EILSEQ":
			return new RuntimeError("config.syntax", "config.json: the file is not valid UTF-8", context);
		default:
			return new RuntimeError("config.unreadable", `open ${path}: ${reason(failure)}`, context);
	}
}

function findRootfs(native: Native, bundle: string, path: string): string {
	const wanted = path.startsWith("/") ? path : `${bundle}/${path}`;
	const invalid = (why: string, errno?: string): RuntimeError =>
		new RuntimeError("config.invalid", `invalid rootfs: stat ${wanted}: ${why} (config.json#/root/path)`, {
			pointer: "/root/path",
			path: wanted,
			...(errno === undefined ? {} : { errno }),
		});
	const rootfs = attempt(
		() => native.realPath({ path: wanted }),
		(failure) => invalid(reason(failure), failure.code),
	);
	if (native.stat({ path: rootfs })?.type !== "directory") throw invalid("not a directory", "ENOTDIR");
	return rootfs;
}

function refuseErrors(diagnostics: Diagnostic[]): void {
	const [first, ...others] = diagnostics.filter(({ severity }) => severity === "error");
	if (first !== undefined) throw configError([first, ...others]);
}

/** Loads the bundle at `path`; throws a RuntimeError that lists every error of its config.json. */
export function loadBundle(native: Native, path: string): Bundle {
	// runc changes into the bundle, and so fails in these words.
	const bundle = attempt(
		() => native.realPath({ path }),
		(failure) => new RuntimeError("bundle.missing", `chdir ${path}: ${reason(failure)}`, { path, errno: failure.code }),
	);
	const file = `${bundle}/config.json`;
	const text = attempt(
		() => native.readText({ path: file }),
		(failure) => unreadable(file, failure),
	);
	const { spec, diagnostics } = parseConfig(text);
	if (diagnostics.length > 0) refuseErrors(diagnostics);
	return { path: bundle, rootfs: findRootfs(native, bundle, spec.root.path), spec, warnings: diagnostics };
}
