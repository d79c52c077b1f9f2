/**
 * TypeScript types of config.json, generated from spec-schemas/. A 64-bit value is a number while that is exact and a
 * bigint above 2^53; `String(value)` is right for both.
 */
export type * from "../generated/spec.js";
