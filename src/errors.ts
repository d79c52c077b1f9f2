/**
 * The one error class of runtime-ts.
 *
 * `message` is runc's wording wherever a caller matches on it; `code` is stable and ours; `context` says
 * which config value, which path, which step, and what to do about it. Engines read the message; people and
 * programs read the rest (`--log-format json` carries all of it).
 */
export interface ErrorContext {
	/** JSON pointer into config.json, without the `config.json#` prefix, for instance `/mounts/3/options/1`. */
	pointer?: string;
	/** What a message calls the value that `pointer` names, where it is not from config.json: `--user`, `process.json#/user`. */
	origin?: string;
	/** Host path the failing operation named. */
	path?: string;
	/** Plan step that failed, for instance `mount.filesystem`. */
	step?: string;
	/** System call that failed. */
	syscall?: string;
	/** Name of the errno value, for instance `EPERM`. */
	errno?: string;
	/** What the reader can do about it; a sentence without a period. */
	hint?: string;
	/** What a hook wrote to stdout and stderr before it failed. */
	output?: string;
}

/** Stable, machine-readable error codes. Add, never rename. */
export type ErrorCode =
	| "usage"
	| "bundle.missing"
	| "config.unreadable"
	| "config.syntax"
	| "config.invalid"
	| "config.unsupported"
	| "container.id-invalid"
	| "container.exists"
	| "container.missing"
	| "container.state"
	| "container.create"
	| "container.start"
	| "container.kill"
	| "container.delete"
	| "cgroup"
	| "hook"
	| "console"
	| "exec.not-found"
	| "exec.permission"
	| "exec.failed"
	| "init"
	| "io"
	| "interrupted"
	| "host.unsupported"
	| "criu";

export class RuntimeError extends Error {
	readonly code: ErrorCode;
	readonly context: ErrorContext;
	/** Exit status of the command that fails with this error. */
	readonly status: number;

	constructor(code: ErrorCode, message: string, context: ErrorContext = {}, status = 1) {
		super(message);
		this.name = "RuntimeError";
		this.code = code;
		this.context = context;
		this.status = status;
	}

	/** The same error with runc's prefix in front, for instance `runc create failed: `. */
	prefixed(prefix: string): RuntimeError {
		return new RuntimeError(this.code, prefix + this.message, this.context, this.status);
	}
}
