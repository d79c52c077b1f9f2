import { CAPABILITIES } from "../capabilities.js";
import type { Process, Rlimit, Spec } from "../spec.js";
import type { Report } from "./report.js";

/** setrlimit(2). */
const RLIMITS = [
	"RLIMIT_AS",
	"RLIMIT_CORE",
	"RLIMIT_CPU",
	"RLIMIT_DATA",
	"RLIMIT_FSIZE",
	"RLIMIT_LOCKS",
	"RLIMIT_MEMLOCK",
	"RLIMIT_MSGQUEUE",
	"RLIMIT_NICE",
	"RLIMIT_NOFILE",
	"RLIMIT_NPROC",
	"RLIMIT_RSS",
	"RLIMIT_RTPRIO",
	"RLIMIT_RTTIME",
	"RLIMIT_SIGPENDING",
	"RLIMIT_STACK",
];

const SETS = ["bounding", "effective", "inheritable", "permitted", "ambient"] as const;

function checkRlimits({ rlimits = [] }: Process, report: Report): void {
	for (let index = 0; index < rlimits.length; index++) {
		const rlimit = rlimits[index];
		// What does not fit the schema has been reported (salvage.ts).
		if (rlimit?.type === undefined) continue;
		const { type, soft, hard } = rlimit as Rlimit;
		const at = `/process/rlimits/${index}`;
		let earlier = 0;
		while (rlimits[earlier]?.type !== type) earlier++;
		if (!RLIMITS.includes(type)) {
			report.error(`${at}/type`, `expected one of ${RLIMITS.join(", ")}; found ${JSON.stringify(type)}`);
		} else if (earlier < index) {
			report.error(`${at}/type`, `duplicate rlimit ${type}; it is already at /process/rlimits/${earlier}`);
		} else if (soft > hard) {
			// setrlimit(2) answers EINVAL.
			report.error(`${at}/soft`, `expected at most the hard limit ${hard}; found ${soft}`);
		}
	}
}

/** config.md, "Linux Process": an unknown capability is a warning, never an error. One warning, not one for each set. */
function checkCapabilities({ capabilities }: Process, report: Report): void {
	if (capabilities === undefined) return;
	const warned: string[] = [];
	for (let set = 0; set < SETS.length; set++) {
		const names = capabilities[SETS[set] as (typeof SETS)[number]] ?? [];
		for (let index = 0; index < names.length; index++) {
			const name = names[index] as string;
			if (CAPABILITIES.includes(name) || warned.includes(name)) continue;
			warned.push(name);
			const at = `/process/capabilities/${SETS[set]}/${index}`;
			report.warning(at, `unknown capability ${JSON.stringify(name)} is ignored`);
		}
	}
}

/** execve(2) takes any string; but an entry without a name or a value is seldom what was meant. */
function checkEnvironment({ env = [] }: Process, report: Report): void {
	for (let index = 0; index < env.length; index++) {
		const entry = env[index] as string;
		if (entry.indexOf("=") > 0) continue;
		report.warning(`/process/env/${index}`, `expected NAME=value; ${JSON.stringify(entry)} is passed on as it is`);
	}
}

/** As -1 it means "leave it as it is" to setresuid(2): the process would stay root. */
const NO_ID = 4_294_967_295;

function checkUser({ user }: Process, report: Report): void {
	if (user === undefined) return;
	const found = `expected an id from 0 to ${NO_ID - 1}; found ${NO_ID}`;
	if (user.uid === NO_ID) report.error("/process/user/uid", found);
	if (user.gid === NO_ID) report.error("/process/user/gid", found);
	const groups = user.additionalGids ?? [];
	for (let index = 0; index < groups.length; index++) {
		if (groups[index] === NO_ID) report.error(`/process/user/additionalGids/${index}`, found);
	}
}

export function checkProcess({ process }: Spec, report: Report): void {
	checkUser(process, report);
	checkRlimits(process, report);
	checkCapabilities(process, report);
	checkEnvironment(process, report);
	if (process.args[0] === "") report.error("/process/args/0", 'expected the name of a program; found ""');
}
