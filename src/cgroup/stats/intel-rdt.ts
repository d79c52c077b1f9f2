/** Statistics of resctrl. The container's group may be one that it shares (closID), and is then counted with the others. */
import { count, linesOf } from "./parse.js";
import type { IntelRdtStats } from "./types.js";

export interface ResctrlFiles {
	/** Text of a file, by its path below the mount; undefined where there is none. */
	read(path: string): string | undefined;
	/** Names of the directories in one. */
	directories(path: string): string[];
}

/** Paths below the mount, "" for the mount itself. */
export interface ResctrlPlace {
	group: string;
	/** Of the monitoring group, where the container has one of its own. */
	monitor: string;
}

export function intelRdtStats(files: ResctrlFiles, { group, monitor }: ResctrlPlace): IntelRdtStats {
	const stats: IntelRdtStats = {};
	const number = (file: string): bigint => count(files.read(file));
	const mask = files.read("/info/L3/cbm_mask");
	if (mask !== undefined) {
		stats.l3_cache_info = {
			cbm_mask: mask.trim(),
			min_cbm_bits: number("/info/L3/min_cbm_bits"),
			num_closids: number("/info/L3/num_closids"),
		};
		stats.l3_cache_schema_root = schema(files, "", "L3");
		stats.l3_cache_schema = schema(files, group, "L3");
	}
	if (files.read("/info/MB/min_bandwidth") !== undefined) {
		stats.mem_bw_info = {
			bandwidth_gran: number("/info/MB/bandwidth_gran"),
			delay_linear: number("/info/MB/delay_linear"),
			min_bandwidth: number("/info/MB/min_bandwidth"),
			num_closids: number("/info/MB/num_closids"),
		};
		stats.mem_bw_schema_root = schema(files, "", "MB");
		stats.mem_bw_schema = schema(files, group, "MB");
	}
	addMonitoring(stats, files, monitor);
	return stats;
}

/** The line of one resource. */
function schema(files: ResctrlFiles, group: string, resource: string): string | undefined {
	const lines = linesOf(files.read(`${group}/schemata`)).map((line) => line.trim());
	return lines.find((line) => line.startsWith(resource));
}

function addMonitoring(stats: IntelRdtStats, files: ResctrlFiles, monitor: string): void {
	const features = linesOf(files.read("/info/L3_MON/mon_features"));
	const domains = features.length === 0 ? [] : files.directories(`${monitor}/mon_data`).sort();
	const of = (domain: string, file: string): bigint => count(files.read(`${monitor}/mon_data/${domain}/${file}`));
	if (features.includes("mbm_total_bytes") || features.includes("mbm_local_bytes")) {
		stats.mbm_stats = domains.map((domain) => ({
			mbm_total_bytes: of(domain, "mbm_total_bytes"),
			mbm_local_bytes: of(domain, "mbm_local_bytes"),
		}));
	}
	if (features.includes("llc_occupancy")) {
		stats.cmt_stats = domains.map((domain) => ({ llc_occupancy: of(domain, "llc_occupancy") }));
	}
}
