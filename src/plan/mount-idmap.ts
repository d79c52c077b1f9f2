/** The id mapping of a mount: whose it is, and when there is nothing to map. */
import { readIdMapOption } from "../bundle/idmap-option.js";
import type { Context, Linux, Mount } from "./context.js";
import type { MountFlags } from "./mount-flags.js";
import type { IdRange, MountIdMap } from "./schema.js";

type Mappings = NonNullable<Linux["uidMappings"]>;

/** `idmap` of the step for this mount; nothing when it is a plain one. The bundle has checked the mappings. */
export function mountIdMap(context: Context, mount: Mount, flags: MountFlags): { idmap?: MountIdMap } {
	const { uidMappings = [], gidMappings = [] } = mount;
	if (flags.idmap === undefined && uidMappings.length === 0) return {};
	// Mappings alone map one mount: that is what runc does, and the specification's examples for `ridmap` imply it.
	const recursive = flags.idmap?.recursive === true;
	if (uidMappings.length > 0) return { idmap: { recursive, uid: ranges(uidMappings), gid: ranges(gidMappings) } };
	const named = flags.idmap === undefined ? undefined : readIdMapOption(flags.idmap.option, context.linux);
	if (named !== undefined) return { idmap: { recursive, uid: ranges(named.uids), gid: ranges(named.gids) } };
	// A filesystem that is made in the user namespace has its ids already, and the kernel refuses to map them to
	// themselves (EINVAL from can_idmap_mount, Linux 5.12).
	return flags.bind === undefined ? {} : { idmap: { recursive } };
}

function ranges(mappings: Mappings): IdRange[] {
	return mappings.map(({ containerID, hostID, size }) => [containerID, hostID, size]);
}
