import { pointerToken } from "../diagnostic.js";
import type { Resources, Spec } from "../spec.js";
import type { Report } from "./report.js";

/** -1 as an unsigned number: what Docker and Podman once wrote for "leave it alone", and what runc takes as that. */
const UNSET = 18446744073709551615n;

function checkMemory({ memory }: Resources, report: Report): void {
	const swappiness = memory?.swappiness;
	if (swappiness === undefined || swappiness <= 100 || swappiness === UNSET) return;
	report.error(
		"/linux/resources/memory/swappiness",
		`invalid memory swappiness value: ${swappiness} (valid range is 0-100)`,
	);
}

function checkCpu({ cpu }: Resources, report: Report): void {
	if (cpu === undefined) return;
	const { burst, quota, idle } = cpu;
	if (burst !== undefined && burst > 0 && quota !== undefined && quota > 0 && burst > quota) {
		report.error("/linux/resources/cpu/burst", `expected at most the quota ${quota}; found ${burst}`);
	}
	if (idle !== undefined && idle !== 0 && idle !== 1) {
		report.error("/linux/resources/cpu/idle", `expected 0 or 1; found ${idle}`);
	}
}

function checkWeights({ blockIO }: Resources, report: Report): void {
	const devices = blockIO?.weightDevice ?? [];
	for (let index = 0; index < devices.length; index++) {
		if (devices[index]?.weight !== undefined || devices[index]?.leafWeight !== undefined) continue;
		report.error(`/linux/resources/blockIO/weightDevice/${index}`, "expected at least one of weight and leafWeight");
	}
}

function checkRdma({ rdma }: Resources, report: Report): void {
	for (const name in rdma) {
		if (rdma[name]?.hcaHandles !== undefined || rdma[name]?.hcaObjects !== undefined) continue;
		report.error(`/linux/resources/rdma/${pointerToken(name)}`, "expected at least one of hcaHandles and hcaObjects");
	}
}

/** Rules on resources that hold for every cgroup version; src/cgroup/ has the others. */
export function checkResources(spec: Spec, report: Report): void {
	const resources = spec.linux?.resources;
	if (resources === undefined) return;
	checkMemory(resources, report);
	checkCpu(resources, report);
	checkWeights(resources, report);
	checkRdma(resources, report);
}
