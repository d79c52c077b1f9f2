import type { Spec } from "../spec.js";
import { findNamespace, type Report } from "./report.js";
import { checkTimeOffsets } from "./time.js";

function checkDuplicates(spec: Spec, report: Report): void {
	const namespaces = spec.linux?.namespaces ?? [];
	for (let index = 0; index < namespaces.length; index++) {
		const type = namespaces[index]?.type;
		let first = 0;
		while (namespaces[first]?.type !== type) first++;
		if (first === index) continue;
		report.error(
			`/linux/namespaces/${index}/type`,
			`malformed spec file: duplicated ns ${JSON.stringify(type)}; it is already at /linux/namespaces/${first}`,
		);
	}
}

/** What would change the host if the container had no namespace of its own for it. The words are runc's. */
export function checkNamespaces(spec: Spec, report: Report): void {
	const { linux } = spec;
	checkDuplicates(spec, report);
	if (findNamespace(spec, "uts") === undefined) {
		if (spec.hostname) report.error("/hostname", "unable to set hostname without a private UTS namespace");
		if (spec.domainname) report.error("/domainname", "unable to set domainname without a private UTS namespace");
	}
	if (findNamespace(spec, "mount") === undefined) {
		const words = "unable to restrict sys entries without a private MNT namespace";
		if (linux?.maskedPaths?.length) report.error("/linux/maskedPaths", words);
		if (linux?.readonlyPaths?.length) report.error("/linux/readonlyPaths", words);
	}
	if (linux?.timeOffsets !== undefined) checkTimeOffsets(spec, linux.timeOffsets, report);
}
