/** Turns the config.json that `runtime-ts spec` wrote into the demo's. Usage: edit-config.ts CONFIG TERMINAL */
import { readFileSync, writeFileSync } from "node:fs";

const [path = "config.json", terminal] = process.argv.slice(2);
const config = JSON.parse(readFileSync(path, "utf8"));
config.hostname = "demo";
config.process.args = ["/bin/sh", "/demo.sh"];
config.process.terminal = terminal === "true";
config.linux.cgroupsPath = "/runtime-ts-demo";
config.linux.resources = {
	...config.linux.resources,
	memory: { limit: 64 * 1024 * 1024 },
	pids: { limit: 64 },
};
writeFileSync(path, `${JSON.stringify(config, undefined, "\t")}\n`);
