import type { GlobalOptions } from "./table.js";

/** `--rootless` as an option of the container layer; `auto`, the default, is to leave it out. */
export function rootlessMode({ rootless }: GlobalOptions): { rootless?: boolean } {
	return rootless === undefined || rootless === "auto" ? {} : { rootless: rootless === "true" };
}
