/** One cgroup hierarchy mount. */
export interface CgroupMount {
	/** Controllers of a v1 hierarchy (`["cpu","cpuacct"]`), `["name=systemd"]` for a named one. */
	controllers: string[];
	/** Mount point. */
	path: string;
	/** Root of the mount inside the hierarchy (field 4 of mountinfo), `/` outside containers. */
	root: string;
}

/** The host's cgroup hierarchies as the mount table shows them. */
export interface CgroupLayout {
	/** v1: no v2 controllers in use; hybrid: v1 controllers beside a v2 mount; v2: unified only. */
	mode: "v1" | "v2" | "hybrid" | "none";
	v1: CgroupMount[];
	/** Mount point of the v2 hierarchy. */
	unified?: string;
}
