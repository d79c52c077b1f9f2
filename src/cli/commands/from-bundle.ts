/**
 * The commands that read a bundle, in one module: what they need beside all others (the configuration's rules, mounts,
 * cgroups) is two thirds of the program. main.ts loads it for them, so that exec, kill or state start without it; from
 * one place, because each combination of importers would make a file of its own out of the code that they share.
 * `restore` is another module: it would make this one larger, and waits for criu anyway.
 */
export { create } from "./create.js";
export { explain } from "./explain.js";
export { run } from "./run.js";
export { validate } from "./validate.js";
