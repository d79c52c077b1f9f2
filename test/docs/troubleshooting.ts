/** docs/troubleshooting.md, as its tests read it. */
import { readFileSync } from "node:fs";

export const page = readFileSync(new URL("../../docs/troubleshooting.md", import.meta.url), "utf8");

/** The messages that have a heading, `*` for what differs. */
export const messages: readonly string[] = [...page.matchAll(/^### `(.*)`$/gm)].map(([, message = ""]) => message);

/** Finds a message in what the runtime printed. */
export function pattern(message: string): RegExp {
	return new RegExp(message.replace(/[.+?^${}()|[\]\\]/g, "\\$&").replaceAll("*", ".+"));
}
