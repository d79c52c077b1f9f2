/** The images of the lanes: one archive as `docker save` writes it, with a busybox of this machine; no registry is needed. */
import { execFileSync } from "node:child_process";
import { createHash } from "node:crypto";
import { existsSync, mkdirSync, readFileSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { makeRootfs } from "../support/bundle.js";

/** What engines show it as; podman and buildah put localhost/ or docker.io/library/ in front. */
export const image = "docker.io/library/lane:1";
/** Of a pod: its command doesn't end. */
export const pauseImage = "docker.io/library/lane-pause:1";

const sha256 = (data: Buffer | string) => createHash("sha256").update(data).digest("hex");

/** Writes the archive below `directory` and answers its path. */
export function makeArchive(directory: string): string {
	const archive = join(directory, "images.tar");
	if (existsSync(archive)) return archive;
	const rootfs = join(directory, "image", "rootfs");
	mkdirSync(rootfs, { recursive: true });
	makeRootfs(rootfs, join(directory, "image", "programs"));
	for (const applet of ["httpd", "ping", "route", "top", "ulimit", "who"])
		symlinkSync("busybox", join(rootfs, "bin", applet));
	mkdirSync(join(rootfs, "www"));
	writeFileSync(join(rootfs, "www/index.html"), "served\n");
	writeFileSync(join(rootfs, "etc/not-executable"), "#!/bin/sh\necho never\n", { mode: 0o644 });
	mkdirSync(join(rootfs, "data"));
	writeFileSync(join(rootfs, "data/from-image"), "of the image\n");
	const files = join(directory, "image", "files");
	mkdirSync(files);
	execFileSync("tar", [
		"--owner=0",
		"--group=0",
		"--numeric-owner",
		"-C",
		rootfs,
		"-cf",
		join(files, "layer.tar"),
		".",
	]);
	const diffId = sha256(readFileSync(join(files, "layer.tar")));
	const manifest = [
		entry(files, image, diffId, ["/bin/sh"]),
		entry(files, pauseImage, diffId, ["/bin/sleep", "2147483647"]),
	];
	writeFileSync(join(files, "manifest.json"), JSON.stringify(manifest));
	execFileSync("tar", ["-C", files, "-cf", archive, "."]);
	return archive;
}

function entry(files: string, tag: string, diffId: string, command: string[]): object {
	const config = JSON.stringify({
		architecture: { x64: "amd64", arm64: "arm64" }[process.arch as string] ?? process.arch,
		os: "linux",
		created: "2026-01-01T00:00:00Z",
		config: { Cmd: command, Env: ["PATH=/usr/local/bin:/usr/bin:/bin", "IMAGE=lane"], WorkingDir: "/" },
		rootfs: { type: "layers", diff_ids: [`sha256:${diffId}`] },
		history: [{ created: "2026-01-01T00:00:00Z", created_by: "the tests" }],
	});
	const name = `${sha256(config)}.json`;
	writeFileSync(join(files, name), config);
	return { Config: name, RepoTags: [tag], Layers: ["layer.tar"] };
}
