import { setImmediate } from 'node:timers/promises';
import { RethinkError } from '../errors.js';
import type { Preparing } from '../progress.js';
import type { TheoryContext } from './context.js';

/** Often enough for a bar and for Ctrl-C, seldom enough to cost nothing. */
const TURNS = 200;

/**
 * Says how far a long computation is, lets signals come through, and ends it where somebody asked for that. Does
 * something only every half percent of the way.
 *
 * @throws RethinkError (`interrupted`).
 */
export async function breathe(
  { options }: Pick<TheoryContext, 'options'>,
  what: string,
  done: number,
  total: number,
  unit: Preparing['unit'] = 'images',
): Promise<void> {
  const every = Math.max(1, Math.floor(total / TURNS));
  if (done % every !== 0 && done !== total) return;
  options.events?.preparing?.({ what, done, total, unit });
  await setImmediate();
  if (options.signal?.aborted) throw new RethinkError('interrupted', `Interrupted while ${what}.`);
}
