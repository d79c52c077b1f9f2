/** Options of `checkpoint` and `restore`: runc's, and crun's --tcp-close and --network-lock. */
import { bundle, consoleSocket, detach, noSubreaper, pidFile } from "./launch-options.js";
import type { OptionSpec } from "./table.js";

const imagePath = () =>
	({
		name: "image-path",
		kind: "text",
		placeholder: "DIR",
		completes: "directory",
	}) as const;

const common = () =>
	[
		{
			name: "work-path",
			kind: "text",
			placeholder: "DIR",
			completes: "directory",
			summary: "directory for criu's log and other files (default: that of the images)",
		},
		{ name: "tcp-established", kind: "flag", summary: "with TCP connections that are open" },
		{
			name: "network-lock",
			kind: "text",
			placeholder: "METHOD",
			summary: "what keeps packets away from TCP connections meanwhile: iptables (default), nftables or skip",
		},
		{ name: "ext-unix-sk", kind: "flag", summary: "with unix sockets that lead out of the container" },
		{ name: "shell-job", kind: "flag", summary: "with the terminal of the caller as the container's" },
		{ name: "file-locks", kind: "flag", summary: "with file locks" },
		{
			name: "manage-cgroups-mode",
			kind: "text",
			placeholder: "MODE",
			summary: "what criu does about cgroups in the container's: soft (default), full, strict or ignore",
		},
		{
			name: "empty-ns",
			kind: "text",
			placeholder: "NAMESPACE",
			summary: "a namespace to come back empty: network, which always does when it is the container's own",
		},
		{ name: "auto-dedup", kind: "flag", summary: "keep no memory page twice in the images" },
		{ name: "lazy-pages", kind: "flag", summary: "memory is fetched when it is used (userfaultfd)" },
	] as const satisfies readonly OptionSpec[];

export const checkpointOptions = () =>
	[
		{ ...imagePath(), summary: "directory for the image files (default: checkpoint in the working directory)" },
		...common(),
		{
			name: "parent-path",
			kind: "text",
			placeholder: "DIR",
			completes: "directory",
			summary: "images of an earlier --pre-dump, relative to --image-path",
		},
		{ name: "leave-running", kind: "flag", summary: "let the container run on" },
		{ name: "pre-dump", kind: "flag", summary: "save only the memory, for a later checkpoint; the container runs on" },
		{ name: "tcp-skip-in-flight", kind: "flag", summary: "leave out TCP connections that are being made" },
		{ name: "link-remap", kind: "flag", summary: "give files without a name one while they are saved" },
		{
			name: "page-server",
			kind: "text",
			placeholder: "ADDRESS:PORT",
			summary: "send memory to the criu page-server there",
		},
		{
			name: "status-fd",
			kind: "number",
			placeholder: "FD",
			summary: "with --lazy-pages: write a zero byte to FD once memory can be fetched",
		},
	] as const satisfies readonly OptionSpec[];

export const restoreOptions = () =>
	[
		{ ...imagePath(), summary: "directory with the image files (default: checkpoint in the working directory)" },
		...common(),
		bundle(),
		consoleSocket(),
		pidFile(),
		detach(),
		noSubreaper(),
		{ name: "no-pivot", kind: "flag", summary: "for callers that send it: criu enters the root in its own way" },
		{ name: "tcp-close", kind: "flag", summary: "close the TCP connections that were open" },
		{
			name: "lsm-profile",
			kind: "text",
			placeholder: "TYPE:NAME",
			summary: "another profile than the saved one, such as apparmor:web or selinux:LABEL",
		},
		{
			name: "lsm-mount-context",
			kind: "text",
			placeholder: "CONTEXT",
			summary: "another SELinux context for the mounts than the saved one",
		},
	] as const satisfies readonly OptionSpec[];
