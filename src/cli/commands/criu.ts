/** What `checkpoint` and `restore` have in common: their options, as the container layer wants them. */
import type { CriuRequest } from "../../container/criu/request.js";
import type { Invocation } from "../table.js";
import { placeOf } from "./place.js";

export function criuRequest({
	global,
	options,
	positionals,
}: Invocation<"checkpoint"> | Invocation<"restore">): CriuRequest {
	return {
		...placeOf(global),
		id: positionals[0] ?? "",
		...(global.criu ? { criu: global.criu } : {}),
		imagePath: options["image-path"] ?? "",
		workPath: options["work-path"] ?? "",
		externalUnixSockets: options["ext-unix-sk"] === true,
		tcpEstablished: options["tcp-established"] === true,
		shellJob: options["shell-job"] === true,
		fileLocks: options["file-locks"] === true,
		autoDedup: options["auto-dedup"] === true,
		lazyPages: options["lazy-pages"] === true,
		cgroupMode: options["manage-cgroups-mode"] ?? "",
		networkLock: options["network-lock"] ?? "",
		emptyNamespace: options["empty-ns"] ?? "",
	};
}
