/**
 * Loads a module that asks for the working directory as it is loaded, as yargs does, where there may be none: the shims
 * of containerd call the runtime from the bundle of the pod's sandbox, which they remove when the sandbox has died, while
 * the pod's other containers still have to be killed and deleted.
 */
export async function loadAnywhere<Module>(load: () => Promise<Module>): Promise<Module> {
	const ask = process.cwd;
	process.cwd = () => {
		try {
			return ask();
		} catch {
			return "/";
		}
	};
	try {
		return await load();
	} finally {
		// Who asks later gets the error: a relative path means nothing in a directory that is gone.
		process.cwd = ask;
	}
}
