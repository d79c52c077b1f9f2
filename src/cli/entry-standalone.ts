/** Entry of build/runtime-ts, the standalone binary: the addon comes out of the binary itself. */
import embedded from "../../build/Release/runtime_ts.node" with { type: "file" };
import { loadEmbeddedAddon } from "../native/load-embedded.js";
import { main } from "./main.js";

/** SHA-256 of the embedded addon, put in by the Makefile. */
declare const __RUNTIME_TS_ADDON_HASH__: string;

loadEmbeddedAddon(embedded, __RUNTIME_TS_ADDON_HASH__).then(
	async (native) => native.exit(await main(process.argv.slice(2), native)),
	(error: Error) => {
		console.error(error.message);
		process.exit(1);
	},
);
