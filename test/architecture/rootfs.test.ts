/**
 * No path-based file call on a rootfs. The C++ that works in a container reaches files only through descriptors of
 * openat2(RESOLVE_IN_ROOT); a call that takes a bare path is a bug class of its own (CVE-2019-19921, CVE-2021-30465,
 * CVE-2024-45310, CVE-2025-31133, CVE-2025-52565, CVE-2026-41579). Lines that name a host file on purpose say so with
 * a comment `host path: reason` on the line or the one above.
 */
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import t from "tap";

const banned =
	/(?<![\w.>:])(?:::)?(open|creat|stat|lstat|mkdir|rmdir|unlink|rename|link|symlink|readlink|mknod|chmod|chown|lchown|truncate|access|mount|umount|chroot|fopen|opendir|realpath)\s*\(/;

for (const folder of ["addon/init", "addon/steps"]) {
	t.test(`${folder} opens nothing by path`, async (t) => {
		for (const name of readdirSync(folder).filter((name) => /\.(cc|h)$/.test(name) && !name.startsWith("host_"))) {
			const lines = readFileSync(join(folder, name), "utf8").split("\n");
			lines.forEach((line, index) => {
				const code = line.replace(/\/\/.*$/, "").replace(/"(?:[^"\\]|\\.)*"/g, '""');
				if (!banned.test(code)) return;
				const said = /host path: \S/.test(line) || /host path: \S/.test(lines[index - 1] ?? "");
				if (!said) t.fail(`${name}:${index + 1}: ${line.trim()}`);
			});
		}
		t.pass();
	});
}
