import { list as listContainers } from "../../container/list.js";
import type { ContainerState } from "../../container/state.js";
import type { Command } from "../session.js";
import { placeOf } from "./place.js";

export const list: Command<"list"> = ({ global, options }, { native, log }) => {
	const containers = listContainers(native, { ...placeOf(global), onWarning: (message) => log.notice(message) });
	native.print({ fd: 1, text: format(containers, options) });
	return 0;
};

function format(containers: ContainerState[], { quiet, format }: { quiet?: boolean; format?: string }): string {
	if (quiet) return containers.map(({ id }) => `${id}\n`).join("");
	// Go's encoding of an empty slice; go-runc and scripts know it.
	if (format === "json") return `${containers.length === 0 ? "null" : JSON.stringify(containers)}\n`;
	const header = ["ID", "PID", "STATUS", "BUNDLE", "CREATED", "OWNER"];
	const rows = containers.map(({ id, pid, status, bundle, created, owner }) => [
		id,
		String(pid),
		status,
		bundle,
		created,
		owner,
	]);
	return tabulate([header, ...rows]);
}

/** Go's tabwriter with the settings of runc: columns 12 wide at least, 3 blanks between them, the last one as it is. */
function tabulate(rows: readonly string[][]): string {
	const widths = (rows[0] ?? []).map((_, column) =>
		Math.max(12, ...rows.map((row) => [...(row[column] ?? "")].length + 3)),
	);
	const line = (row: string[]): string =>
		row.map((cell, column) => (column === row.length - 1 ? cell : pad(cell, widths[column] ?? 0))).join("");
	return rows.map((row) => `${line(row)}\n`).join("");
}

/** Counted in characters, not in UTF-16 units. */
function pad(cell: string, width: number): string {
	return cell + " ".repeat(Math.max(0, width - [...cell].length));
}
