/** `import path from "….node" with { type: "file" }`: the path of the embedded file inside the standalone binary. */
declare module "*.node" {
	const path: string;
	export default path;
}
