/** Arguments that are no text. Loaded only where one looks like it. */
import { RuntimeError } from "../errors.js";
import type { Native } from "../native/api.js";

/** What takes the place of bytes that are no UTF-8. */
export const replacement = "\uFFFD";

/**
 * JavaScript's hosts replace what is not UTF-8 in an argument: another file would be opened, another word be handed to a
 * program in a container. Throws unless the arguments had the replacement in them from the beginning.
 */
export function refuseOtherBytes(native: Native, argv: readonly string[]): void {
	try {
		native.readText({ path: "/proc/self/cmdline" });
	} catch (error) {
		if (!(error instanceof Error && "code" in error && error.code === "EILSEQ")) throw error;
		const index = argv.findIndex((argument) => argument.includes(replacement));
		throw new RuntimeError("usage", `argument ${index + 1}, ${JSON.stringify(argv[index])}, is not UTF-8`, {
			hint: `${replacement} stands for the bytes that are no character; names that are no text can't be given`,
		});
	}
}
