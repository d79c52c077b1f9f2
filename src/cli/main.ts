import type { Native } from "../native/api.js";
export async function main(argv: string[], native: Native): Promise<number> { console.log("main", argv.length); return 3; }
