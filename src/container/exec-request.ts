/** What `exec` is asked for. */
import type { ExecOptions } from "../plan/exec-process.js";
import type { Place } from "./place.js";
import type { TracedStep } from "./request.js";

export interface ExecRequest extends Place {
	id: string;
	/** File with the process, in place of the container's own. */
	processFile?: string;
	options: ExecOptions;
	/** Leave once the program runs. */
	detach?: boolean;
	pidFile?: string;
	consoleSocket?: string;
	/** AF_UNIX socket that gets a pidfd of the process. */
	pidfdSocket?: string;
	preserveFds?: number;
	/** `PATH` or `CONTROLLER[,CONTROLLER...]:PATH`, below the container's cgroups. */
	cgroups?: readonly string[];
	/** In a paused container, too: the process then waits for resume. */
	ignorePaused?: boolean;
	/** Microseconds of each step, when all before the program have been done; `at` is where the value comes from. */
	onTrace?: (steps: TracedStep[]) => void;
	/** `pointer` is into config.json. */
	onWarning?: (message: string, pointer?: string) => void;
}
