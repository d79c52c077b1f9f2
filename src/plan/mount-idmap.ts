/** The id mapping of a mount: whose it is, and when there is nothing to map. */
import { readIdMapOption } from "../bundle/idmap-option.js";
import type { Context, Linux, Mount } from "./context.js";
import type { MountFlags } from "./mount-flags.js";
import type { IdRange, InitStepOf, MountIdMap } from "./schema.js";

type Mappings = NonNullable<Linux["uidMappings"]>;

/** Sets `idmap` of the step for this mount, unless it is a plain one. The bundle has checked the mappings. */
export function addIdMap(
	step: InitStepOf<"mount.bind"> | InitStepOf<"mount.filesystem">,
	context: Context,
	mount: Mount,
	flags: MountFlags,
): void {
	if (flags.idmap === undefined && mount.uidMappings === undefined) return;
	const idmap = mountIdMap(context, mount, flags);
	if (idmap !== undefined) step.idmap = idmap;
}

function mountIdMap(context: Context, mount: Mount, flags: MountFlags): MountIdMap | undefined {
	const { uidMappings = [], gidMappings = [] } = mount;
	if (flags.idmap === undefined && uidMappings.length === 0) return undefined;
	// Mappings alone map one mount: that is what runc does, and the specification's examples for `ridmap` imply it.
	const recursive = flags.idmap?.recursive === true;
	if (uidMappings.length > 0) return { recursive, uid: ranges(uidMappings), gid: ranges(gidMappings) };
	const named = flags.idmap === undefined ? undefined : readIdMapOption(flags.idmap.option, context.linux);
	if (named !== undefined) return { recursive, uid: ranges(named.uids), gid: ranges(named.gids) };
	// A filesystem that is made in the user namespace has its ids already, and the kernel refuses to map them to
	// themselves (EINVAL from can_idmap_mount, Linux 5.12).
	return flags.bind === undefined ? undefined : { recursive };
}

function ranges(mappings: Mappings): IdRange[] {
	return mappings.map(({ containerID, hostID, size }) => [containerID, hostID, size]);
}
