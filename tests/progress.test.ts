import { describe, expect, it } from 'vitest';
import { isInterruption } from '../src/errors.js';
import { atOnce, inTurns, type Preparing, takingTurns } from '../src/progress.js';

/** Work without an end that never waits for anything, and whether it was closed. */
function endless() {
  const state = { done: 0, closed: false };
  const work = (function* (): Generator<number, never> {
    try {
      for (;;) yield state.done++;
    } finally {
      state.closed = true;
    }
  })();
  return { work, state };
}

describe('a loop that takes turns', () => {
  it('lets timers have theirs, says how far it is, and ends where somebody asks for it', async () => {
    const controller = new AbortController();
    const told: Preparing[] = [];
    const onProgress = (event: Preparing) => told.push(event);
    let done = 0;
    const amount = () => ({ done, total: 0, unit: 'files' as const });
    const turn = takingTurns({ signal: controller.signal, onProgress }, 'counting', amount);
    setTimeout(() => controller.abort(), 0);
    const counting = (async () => {
      for (;;) {
        done++;
        await turn();
      }
    })();
    await expect(counting).rejects.toMatchObject({
      kind: 'interrupted',
      message: 'Interrupted while counting.',
    });
    expect(told[0]).toMatchObject({ what: 'counting', unit: 'files' });
    expect(told[0]!.done).toBeGreaterThan(1);
  });

  it('ends at its next pass where it was interrupted elsewhere', () => {
    const turn = takingTurns({ signal: AbortSignal.abort() }, 'counting');
    expect(() => turn()).toThrow('Interrupted while counting.');
  });

  it('closes what its work has open', async () => {
    const { work, state } = endless();
    const controller = new AbortController();
    setTimeout(() => controller.abort(), 0);
    const error = await inTurns(work, { signal: controller.signal }, 'x').catch((e: unknown) => e);
    expect(isInterruption(error)).toBe(true);
    expect(state.closed).toBe(true);
  });

  it('gives what its work gives, with turns or without', async () => {
    const work = function* (): Generator<number, string> {
      yield 1;
      return 'done';
    };
    expect(await inTurns(work(), {}, 'x')).toBe('done');
    expect(atOnce(work())).toBe('done');
  });
});
