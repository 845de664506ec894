import { mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { expect } from 'vitest';
import { messageOf, RethinkError } from '../../src/errors.js';

/**
 * Feeds a reader inputs that no one meant it to get.
 *
 * RETHINK_GEN_TEST_INPUTS=N asks for N inputs of each kind (`npm run test:fuzz`: 10,000), without it there are a few
 * hundred; RETHINK_GEN_TEST_SEED for others.
 */
const LONG = process.env.RETHINK_GEN_TEST_INPUTS;
const SEED = Number(process.env.RETHINK_GEN_TEST_SEED ?? 1);

/** Seconds of computing that one input may cost, and of waiting: a busy machine waits too. */
const MOST_SECONDS = 1;
const MOST_WAITING = 10;

/** Characters with which a hostile name could write on a terminal. */
const CONTROL = /(?!\n)\p{Cc}/u;

export interface Limits {
  /** Inputs in the short form; default 300. */
  inputs?: number;
  /** MiB that the process may grow by over all inputs, after the first tenth; default 256. */
  mebibytes?: number;
}

/**
 * Checks that a reader takes each input or refuses it with a RethinkError fit to be printed, in bounded time and memory.
 *
 * @param what Names the reader in the line of figures.
 */
export async function survives<T>(
  what: string,
  inputs: fc.Arbitrary<T>,
  read: (input: T) => unknown,
  { inputs: short = 300, mebibytes = 256 }: Limits = {},
): Promise<void> {
  const count = LONG === undefined ? short : Number(LONG);
  const seen = { inputs: 0, taken: 0, refused: 0, slowest: 0 };
  let [before, most] = [0, 0];
  const details = await fc.check(
    fc.asyncProperty(inputs, async (input) => {
      const start = process.cpuUsage();
      const error = await errorOf(input, read);
      const { user, system } = process.cpuUsage(start);
      const seconds = (user + system) / 1e6;
      seen.slowest = Math.max(seen.slowest, seconds);
      expect(seconds).toBeLessThan(MOST_SECONDS);
      if (error === undefined) seen.taken++;
      else seen.refused++;
      // The first inputs also pay for compiling what they run through.
      const { rss } = process.memoryUsage();
      if (++seen.inputs <= count / 10) before = Math.max(before, rss);
      most = Math.max(most, rss);
    }),
    { numRuns: count, seed: SEED, endOnFailure: LONG !== undefined },
  );
  if (details.failed) throw failure(what, details);
  const growth = (most - before) / 2 ** 20;
  if (LONG !== undefined) {
    const figures = { ...seen, mebibytes: Math.round(growth) };
    console.log(`fuzz: ${what}: ${JSON.stringify(figures)}`);
  }
  expect(growth, 'growth of memory').toBeLessThan(mebibytes);
}

/** The input as a file: thousands of bytes are nothing to read in a report. */
function failure<T>(
  what: string,
  { counterexample, seed, counterexamplePath, errorInstance }: fc.RunDetails<[T]>,
) {
  const [input] = counterexample ?? [];
  const path = join(mkdtempSync(join(tmpdir(), 'rethink-gen-fuzz-')), 'input');
  writeFileSync(path, input instanceof Uint8Array ? input : (JSON.stringify(input) ?? ''));
  const where = `seed ${seed}, path ${counterexamplePath}; the input is in ${path}`;
  return new Error(`${what} fails (${where}): ${messageOf(errorInstance)}`, {
    cause: errorInstance,
  });
}

async function errorOf<T>(
  input: T,
  read: (input: T) => unknown,
): Promise<RethinkError | undefined> {
  let timer: NodeJS.Timeout | undefined;
  const hang = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error('it hangs')), MOST_WAITING * 1000);
  });
  try {
    await Promise.race([read(input), hang]);
    return undefined;
  } catch (error) {
    if (!(error instanceof RethinkError)) throw error;
    expect(messageOf(error)).not.toMatch(CONTROL);
    expect(error.hint ?? '').not.toMatch(CONTROL);
    expect(error.message.length).toBeLessThan(20_000);
    return error;
  } finally {
    clearTimeout(timer);
  }
}
