import { execFile, execFileSync } from 'node:child_process';
import { promisify } from 'node:util';
import { describe, expect, it } from 'vitest';
import { ensureTensorflow } from '../helpers/engine.js';
import { temporaryFolder } from '../helpers/temporary-folder.js';

/**
 * Memory of a long run. RETHINK_GEN_TEST_SOAK=N asks for N epochs (`npm run test:soak`: 2,000), without it there are so
 * few that only a gross leak shows.
 */
const LONG = process.env.RETHINK_GEN_TEST_SOAK;
const EPOCHS = Number(LONG ?? 60);

/**
 * MiB that resident memory may grow by between the second and the last tenth of the run. Evaluating and training on
 * these images takes 8 batches of 12 KiB an epoch: lost in each of 1,600 epochs, one of them would be 19 MiB and all of
 * them 150. The allocator's own wandering is a few MiB.
 */
const MOST_GROWTH = 16;

interface Sample {
  epoch: number;
  rss: number;
  heapUsed: number;
  external: number;
  numTensors: number;
}

const { skipped } = await ensureTensorflow();

describe('memory of a long run', () => {
  it.each([
    ['wasm', ''],
    ['tensorflow', skipped],
  ])(
    'is flat on %s%s',
    async (engine, missing) => {
      if (missing !== '') return;
      execFileSync(process.execPath, ['bin/rethink-gen.js', '--version']);
      const { stdout } = await promisify(execFile)(
        process.execPath,
        ['--expose-gc', 'tests/soak/child.js', engine, String(EPOCHS), temporaryFolder()],
        { maxBuffer: 2 ** 26 },
      );
      const lines = stdout.split('\n').filter((line) => line.startsWith('{"epoch"'));
      const samples = lines.map((line) => JSON.parse(line) as Sample);
      expect(samples.at(-1)!.epoch).toBe(EPOCHS);
      const tenth = (n: number) =>
        samples.slice(
          Math.floor((samples.length * (n - 1)) / 10),
          Math.floor((samples.length * n) / 10),
        );
      const median = (part: Sample[], of: 'rss' | 'heapUsed' | 'external') =>
        part.map((sample) => sample[of]).sort((a, b) => a - b)[Math.floor(part.length / 2)]! /
        2 ** 20;
      const growth = (of: 'rss' | 'heapUsed' | 'external') =>
        median(tenth(10), of) - median(tenth(2), of);

      const tensors = [...new Set(samples.map(({ numTensors }) => numTensors))];
      if (LONG !== undefined) {
        const rounded = (mebibytes: number) => Number(mebibytes.toFixed(1));
        console.log(
          `soak: ${engine}: ${JSON.stringify({
            epochs: EPOCHS,
            rss: [rounded(median(tenth(2), 'rss')), rounded(median(tenth(10), 'rss'))],
            heap_growth: rounded(growth('heapUsed')),
            external_growth: rounded(growth('external')),
            tensors,
          })}`,
        );
      }
      expect(tensors).toHaveLength(1);
      expect(growth('rss')).toBeLessThan(MOST_GROWTH);
    },
    3_600_000,
  );
});
