/** `completion`: a script that teaches a shell the command table. */
import { RuntimeError } from "../../errors.js";
import { bashScript } from "../completion/bash.js";
import { fishScript } from "../completion/fish.js";
import { zshScript } from "../completion/zsh.js";
import type { Command } from "../session.js";

const scripts: Record<string, () => string> = { bash: bashScript, zsh: zshScript, fish: fishScript };

export const completion: Command<"completion"> = ({ positionals }, { native }) => {
	const shell = positionals[0] ?? "";
	const script = Object.hasOwn(scripts, shell) ? scripts[shell] : undefined;
	if (!script) throw new RuntimeError("usage", `unknown shell ${JSON.stringify(shell)}: bash, zsh or fish`);
	native.print({ fd: 1, text: script() });
	return 0;
};
