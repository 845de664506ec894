import { z } from 'zod';

/** What values of many keys are. */

export const text = z.string().min(1);
export const fraction = z.number().min(0).max(1);
export const notNegative = z.number().min(0);
export const positive = z.number().positive();

/** From 1 on. */
export const count = (most = Number.MAX_SAFE_INTEGER) => z.int().min(1).max(most);

/** A key that may be left out. */
export const optional = <T extends z.ZodType>(value: T, means: string) =>
  value.optional().describe(means);

/** A key that is on or off. */
export const flag = (byDefault: boolean, means: string) =>
  z.boolean().default(byDefault).describe(means);
