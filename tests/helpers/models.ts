/** `npm run test:models` is long: every network on every engine, where the other tests do with a few. */
export const EVERY_MODEL = Boolean(process.env.RETHINK_GEN_TEST_MODELS);

/** The first rows of a table of networks, from quick ones to slow ones; all of them where every model is wanted. */
export function usual<T>(rows: readonly T[], count: number): T[] {
  return rows.slice(0, EVERY_MODEL ? undefined : count);
}
