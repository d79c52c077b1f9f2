/** What every engine with a command line like Docker's has to pass. */
import type { Test } from "tap";
import type { Engine } from "../engine.js";
import { checkpoints } from "./checkpoint.js";
import { execs } from "./exec.js";
import { files } from "./files.js";
import { lifecycle } from "./lifecycle.js";
import { namespaces } from "./namespaces.js";
import { network } from "./network.js";
import { processes } from "./process.js";
import { resources } from "./resources.js";
import { security } from "./security.js";
import { storage } from "./storage.js";
import { units } from "./units.js";

export function common(t: Test, engine: Engine): void {
	processes(t, engine);
	execs(t, engine);
	lifecycle(t, engine);
	files(t, engine);
	resources(t, engine);
	units(t, engine);
	security(t, engine);
	storage(t, engine);
	namespaces(t, engine);
	network(t, engine);
	checkpoints(t, engine);
}
