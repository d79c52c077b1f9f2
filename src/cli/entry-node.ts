#!/usr/bin/env node
/** Entry of the npm package: Node with the addon that node-gyp built. */
import { fileURLToPath } from "node:url";
import { loadAddon } from "../native/load.js";
import { main } from "./main.js";

const native = loadAddon(fileURLToPath(new URL("../../Release/runtime_ts.node", import.meta.url)));
native.restoreOpenFilesLimit();
main(process.argv.slice(2), native).then((status) => native.exit(status));
