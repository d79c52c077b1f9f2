/**
 * How many times slower than an ordinary machine this one may be: time limits are multiplied by it. PATIENCE is set where
 * the processor is emulated.
 */
export const patience = Number(process.env.PATIENCE ?? 1);
