/** What `checkpoint` and `restore` have in common: options that go to criu, and the directories. */
import { RuntimeError } from "../../errors.js";
import type { Native } from "../../native/api.js";
import { absolute } from "../absolute.js";
import type { Place } from "../place.js";
import { type CgroupMode, networkNamespace } from "./rpc.js";

export interface CriuRequest extends Place {
	id: string;
	/** The program; by default the first of that name in PATH. */
	criu?: string;
	/** Default: `checkpoint` in the working directory. */
	imagePath?: string;
	workPath?: string;
	externalUnixSockets?: boolean;
	tcpEstablished?: boolean;
	shellJob?: boolean;
	fileLocks?: boolean;
	autoDedup?: boolean;
	lazyPages?: boolean;
	/** soft (default), full, strict, ignore */
	cgroupMode?: string;
	/** A namespace that is made without what was in it: network. */
	emptyNamespace?: string;
}

export function imagesDirectory({ imagePath }: CriuRequest): string {
	return absolute(imagePath || "checkpoint");
}

/** Made when missing, as runc does: a container can be saved more than once. */
export function makePrivateDirectory(native: Native, path: string): void {
	native.makeDirectory({ path, mode: 0o700, parents: true, existOk: true });
}

export function readCgroupMode(text: string | undefined): CgroupMode {
	switch (text || "soft") {
		case "soft":
			return "soft";
		case "full":
			return "full";
		case "strict":
			return "strict";
		case "ignore":
			return "ignore";
		default:
			throw new RuntimeError("usage", "invalid manage-cgroups-mode value", {
				hint: "--manage-cgroups-mode is soft, full, strict or ignore",
			});
	}
}

/** A runtime does not manage network devices, so that of a container's own network namespace always comes back empty (runc). */
export function readEmptyNamespaces(text: string | undefined): number {
	if (text !== undefined && text !== "" && text !== "network") {
		throw new RuntimeError("usage", `namespace ${JSON.stringify(text)} is not supported`, {
			hint: "--empty-ns takes network",
		});
	}
	return networkNamespace;
}

/**
 * Annotation org.criu.config: a configuration file for criu, whose settings overrule the options; empty for none. The
 * default is the one that is written for runc, since this takes its place.
 */
export function configFile(annotations: Record<string, string> | undefined): { configFile?: string } {
	const given = annotations?.["org.criu.config"];
	if (given === "") return {};
	return { configFile: given ?? "/etc/criu/runc.conf" };
}
