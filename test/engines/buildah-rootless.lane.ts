/** Buildah of an ordinary user: it makes the user namespace, and the runtime is its root. */
import { join } from "node:path";
import t from "tap";
import { buildahBuilds } from "./buildah/build.js";
import { Buildah } from "./buildah/buildah.js";
import { runs } from "./buildah/run.js";
import { containersConf } from "./containers-conf.js";
import { image, makeArchive } from "./image.js";
import { bootMachine } from "./lane.js";
import { ordinaryUser } from "./ordinary-user.js";

const machine = await bootMachine(t);
const user = await ordinaryUser(machine);
const conf = await containersConf(machine, user.home, { runRoot: join(user.runtimeDirectory, "storage") });
const archive = makeArchive(machine.directory);
await machine.sh(`chmod 644 ${archive}`);
const of = (isolation: string) =>
	new Buildah(machine, {
		become: user.become,
		env: { ...user.env, ...conf },
		// An ordinary user would get slirp4netns, for which not every machine has the device.
		flags: ["--isolation", isolation, "--runtime", user.runtime, "--network", "host"],
		directory: join(user.home, isolation),
		cwd: "/",
	});
const isolations = ["oci", "rootless"].map((isolation) => ({ isolation, buildah: of(isolation) }));
await user.own();
for (const [index, { buildah }] of isolations.entries()) {
	if (index === 0) await buildah.ok("pull", `docker-archive:${archive}:${image}`);
	buildah.container = await buildah.ok("from", image);
	await buildah.run([], ["true"]);
}
machine.remember();

for (const { isolation, buildah } of isolations) {
	t.test(`isolation ${isolation}`, async (t) => {
		runs(t, buildah);
		buildahBuilds(t, buildah);

		t.test("run: namespaces, and who it is on the host", async (t) => {
			const links = { links: "for type in pid ipc uts mnt user net; do readlink /proc/self/ns/$type; done" };
			const host = (await machine.sh(links.links.replaceAll("self", "1"))).split("\n");
			const own = await buildah.inside([], { ...links, map: "cat /proc/self/uid_map", id: "id -u" });
			const inside = own.links.split("\n");
			for (const index of [0, 1, 2, 3, 4]) t.not(inside[index], host[index]);
			t.equal(inside[5], host[5], "--network host");
			t.match(own.map, new RegExp(`^0 +${user.uid} +1\n\\s*1 +100000 +65536$`));
			t.equal(own.id, "0");
		});
	});
}

t.test("all containers are removed: nothing of them is left", async (t) => {
	for (const { buildah } of isolations) await buildah.ok("rm", buildah.container);
	const states = ["runtime-ts", "runc", "crun"].map((name) => join(user.runtimeDirectory, name));
	t.same(await machine.left([], states), []);
	t.same(await machine.halt(), [], "nor on the host");
});
