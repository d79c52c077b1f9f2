/** The security context, seccomp, mounts and devices. */
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import type { Test } from "tap";
import type { Cri, Pod } from "./cri.js";
import { profileType } from "./messages.js";
import type { Value } from "./protobuf.js";

export function criSecurity(t: Test, cri: Cri, shared: Pod): void {
	const { directory, sleeping, security, sh, remove } = cri;

	t.test("security context: user, groups, capabilities, read-only root, no new privileges", async (t) => {
		const id = await sleeping(
			shared,
			security({
				runAsUser: { value: 1000 },
				runAsGroup: { value: 1001 },
				supplementalGroups: [7, 8],
				capabilities: { drop: ["ALL"] },
				readonlyRootfs: true,
				noNewPrivs: true,
			}),
		);
		t.equal(await sh(id, "id -u; id -g; id -G"), "1000\n1001\n1001 7 8");
		const text = await sh(id, "cat /proc/1/status");
		t.match(text, /^CapBnd:\t0+$/m);
		t.match(text, /^NoNewPrivs:\t1$/m);
		t.match(await sh(id, "touch /tmp/file"), /Read-only file system/);
		t.equal(await sh(id, "cat /proc/sys/net/ipv4/ip_unprivileged_port_start"), "77", "the pod's sysctl");
		await remove(id);
	});

	t.test("masked and read-only paths", async (t) => {
		const id = await sleeping(
			shared,
			security({ maskedPaths: ["/etc/passwd", "/data"], readonlyPaths: ["/proc/sys"] }),
		);
		t.equal(await sh(id, "wc -c </etc/passwd; ls /data | wc -l"), "0\n0");
		t.match(await sh(id, "echo 1 >/proc/sys/kernel/panic"), /Read-only file system/);
		await remove(id);
	});

	t.test("seccomp: the default, unconfined, a profile of the node", async (t) => {
		const profile = join(directory, "seccomp.json");
		const rules = [{ names: ["mkdir", "mkdirat"], action: "SCMP_ACT_ERRNO", errnoRet: 95 }];
		writeFileSync(profile, JSON.stringify({ defaultAction: "SCMP_ACT_ALLOW", syscalls: rules }));
		const mode = async (seccomp: Value, script: string) => {
			const id = await sleeping(shared, security({ seccomp }));
			const text = await sh(id, script);
			await remove(id);
			return text;
		};
		t.match(await mode({ type: profileType.runtimeDefault }, "grep ^Seccomp: /proc/1/status"), /\t2$/);
		t.match(await mode({ type: profileType.unconfined }, "grep ^Seccomp: /proc/1/status"), /\t0$/);
		t.match(await mode({ type: profileType.localhost, localhostRef: profile }, "mkdir /tmp/new"), /not supported/i);
	});

	t.test("mounts with propagation, a device", async (t) => {
		const mount = (containerPath: string, rest: Value) => ({
			containerPath,
			hostPath: join(directory, "net"),
			...rest,
		});
		const id = await sleeping(shared, {
			mounts: [
				mount("/one", { readonly: true }),
				mount("/two", { propagation: 1 }),
				mount("/three", { propagation: 2 }),
			],
			devices: [{ containerPath: "/dev/here", hostPath: "/dev/fuse", permissions: "rw" }],
		});
		t.match(await sh(id, "touch /one/no"), /Read-only file system/);
		const table = await sh(id, "cat /proc/self/mountinfo");
		t.match(table, / \/two .* master:\d+ /);
		t.match(table, / \/three .* shared:\d+ /);
		t.equal(await sh(id, "exec 3<>/dev/here && echo opened"), "opened");
		await remove(id);
	});

	t.test("security context: a user by name, capabilities added and dropped, a writable root", async (t) => {
		const id = await sleeping(
			shared,
			security({
				runAsUsername: "user",
				capabilities: { add: ["NET_ADMIN"], drop: ["CHOWN"] },
			}),
		);
		t.equal(await sh(id, "id -u; id -g"), "1000\n1000");
		const bounding = BigInt(`0x${/^CapBnd:\t([0-9a-f]+)$/m.exec(await sh(id, "cat /proc/1/status"))?.[1]}`);
		t.ok(bounding & (1n << 12n), "NET_ADMIN");
		t.notOk(bounding & 1n, "CHOWN");
		t.match(await sh(id, "grep ^NoNewPrivs: /proc/1/status"), /\t0$/);
		t.equal(await sh(id, "echo written >/tmp/file; cat /tmp/file"), "written");
		await remove(id);
	});
}
