/** A container id made of the last part of a bundle's path. */
export function bundleName(path: string): string {
	const name = path.slice(path.lastIndexOf("/") + 1).replace(/[^A-Za-z0-9_+.-]/g, "-");
	// The bundle may be the root directory.
	return name === "" ? "container" : name;
}
