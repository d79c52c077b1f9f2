/** containers.conf and storage.conf, which Podman and Buildah read in place of the machine's own. */
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { hasAllCapabilities } from "./lane.js";
import type { Machine } from "./machine.js";

export interface ContainersConf {
	/** More lines of a section of containers.conf: containers, engine, engine.runtimes, network. */
	sections?: Record<string, string[]>;
	/** The runtime that Podman calls; Buildah takes its own from the command line. */
	runtime?: string;
	/** Where the storage keeps what does not outlive a boot. */
	runRoot?: string;
	/** Networks by CNI, as root has them. */
	cni?: boolean;
}

/** Writes both files into `directory`; the environment that makes the programs read them. */
export async function containersConf(
	machine: Machine,
	directory: string,
	{ sections = {}, runtime, runRoot = join(directory, "run"), cni = false }: ContainersConf,
): Promise<Record<string, string>> {
	mkdirSync(directory, { recursive: true });
	const all: Record<string, string[]> = {
		containers: [],
		engine: [`cgroup_manager = "${machine.systemd ? "systemd" : "cgroupfs"}"`],
	};
	const add = (section: string, ...lines: string[]) => {
		all[section] = [...(all[section] ?? []), ...lines];
	};
	if (!hasAllCapabilities) {
		// Podman's own default is more than root may have without CAP_SYS_RESOURCE.
		const files = await machine.sh("ulimit -Hn");
		add("containers", `default_ulimits = ["nofile=${files}:${files}", "nproc=4096:4096"]`);
	}
	if (runtime !== undefined) {
		// Not the journal, which is systemd's.
		add("containers", 'log_driver = "k8s-file"');
		add("containers", 'init_path = "/usr/bin/tini-static"');
		add(
			"engine",
			'runtime = "lane"',
			// Without this Podman doesn't read the runtime's log, and shows its standard error.
			'runtime_supports_json = ["lane"]',
			'runtime_supports_nocgroup = ["lane"]',
			'events_logger = "file"',
		);
		add("engine.runtimes", `lane = ["${runtime}"]`);
	}
	if (cni) {
		mkdirSync(join(directory, "net"), { recursive: true });
		const folder = `network_config_dir = "${directory}/net"`;
		add("network", 'network_backend = "cni"', 'cni_plugin_dirs = ["/usr/lib/cni"]', folder);
	}
	for (const [section, lines] of Object.entries(sections)) add(section, ...lines);
	const text = Object.entries(all).map(([section, lines]) => `[${section}]\n${lines.join("\n")}\n`);
	writeFileSync(join(directory, "containers.conf"), text.join(""));
	writeFileSync(
		join(directory, "storage.conf"),
		`[storage]\ndriver = "overlay"\ngraphroot = "${directory}/storage"\nrunroot = "${runRoot}"\n`,
	);
	return {
		CONTAINERS_CONF: join(directory, "containers.conf"),
		CONTAINERS_STORAGE_CONF: join(directory, "storage.conf"),
	};
}
