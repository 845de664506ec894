import { describe, expect, it } from 'vitest';
import { again, seenLate } from '../../src/disk/again.js';
import { diskError } from '../../src/disk/errors.js';

const stale = () => Object.assign(new Error('ESTALE'), { code: 'ESTALE' });

/** Fails so many times, then gives `done`. */
function failing(times: number, error: () => unknown) {
  let left = times;
  return () => {
    if (left-- > 0) throw error();
    return 'done';
  };
}

describe('again', () => {
  it.each([stale, () => diskError(stale(), 'read', '/run/status.json')])(
    'tries what a network file system lost',
    (error) => {
      expect(again(failing(3, error))).toBe('done');
      expect(() => again(failing(100, error))).toThrow();
    },
  );

  it('tries nothing else again', () => {
    const full = () => Object.assign(new Error('ENOSPC'), { code: 'ENOSPC' });
    expect(() => again(failing(1, full))).toThrow('ENOSPC');
    expect(again(failing(1, full), () => true)).toBe('done');
  });
});

it('seenLate looks again for what is not there yet', async () => {
  const seen = ['a', undefined, undefined];
  expect(await seenLate(() => seen.pop())).toBe('a');
  expect(await seenLate(() => undefined)).toBeUndefined();
});
