/** `create`: a container whose process waits for `start`. */
import type { Native } from "../native/api.js";
import { handInit } from "./hand-over.js";
import { guarded, launch } from "./launch.js";
import { release } from "./launch-state.js";
import { writePidFile } from "./pid-file.js";
import { prefixed } from "./prefix.js";
import type { LaunchRequest } from "./request.js";

export function create(native: Native, request: LaunchRequest): void {
	prefixed("runc create failed: ", () => {
		const state = launch(native, request, { startVia: "socket", detached: true });
		guarded(state, () => {
			handInit(native, request.pidfdSocket, state);
			writePidFile(native, request.pidFile, state.pid);
		});
		release(state);
		state.afterwards?.();
	});
}
