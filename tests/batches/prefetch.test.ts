import { execFileSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { TrainBatches, type TrainBatchesOptions } from '../../src/batches/batches.js';
import { prefetch } from '../../src/batches/prefetch.js';

const COUNT = 4100;
const options: TrainBatchesOptions = {
  examples: {
    images: Uint8Array.from({ length: COUNT * 108 }, (_, i) => (i * 31) % 251),
    labels: Int32Array.from({ length: COUNT }, (_, i) => i % 10),
    indices: Uint32Array.from({ length: COUNT }, (_, i) => i),
    count: COUNT,
  },
  size: { height: 6, width: 6, channels: 3 },
  batchSize: 128,
  crop: 5,
  augment: { crop: true, flip: true, rotation: 10 },
  masks: [{ name: 'm', units: 7 }],
  dropout: 0.5,
  seed: 3,
};

// Threads run compiled code: `npm test` builds it first.
const built = fileURLToPath(new URL('../../dist/batches/prefetch.js', import.meta.url));

/** Chunks of a course of steps with a jump in it, as the compiled module gives them with two threads. */
const SCRIPT = `
  const { TrainBatches } = await import(process.argv[1].replace('prefetch', 'batches'));
  const { PrefetchedBatches } = await import(process.argv[1]);
  const { createHash } = await import('node:crypto');
  const options = JSON.parse(process.argv[2], (_, v) => v);
  const n = options.examples.count;
  options.examples = {
    images: Uint8Array.from({ length: n * 108 }, (_, i) => (i * 31) % 251),
    labels: Int32Array.from({ length: n }, (_, i) => i % 10),
    indices: Uint32Array.from({ length: n }, (_, i) => i),
    count: n,
  };
  const batches = new PrefetchedBatches(new TrainBatches(options), 2);
  const digests = [];
  for (const [epoch, first, steps] of JSON.parse(process.argv[3])) {
    const c = await batches.chunk(epoch, first, steps, new Float32Array(steps));
    digests.push(createHash('sha256').update(c.images).update(c.labels).update(c.masks.m).digest('hex'));
  }
  batches.dispose();
  console.log(JSON.stringify(digests));
`;

describe('PrefetchedBatches', () => {
  it.skipIf(!existsSync(built))(
    'gives what TrainBatches gives, foreseen or not (skipped where dist is not built)',
    async () => {
      const { createHash } = await import('node:crypto');
      const course = [
        [0, 0, 1],
        [0, 1, 8],
        [0, 9, 8],
        [0, 17, 8],
        [0, 25, 4],
        [0, 29, 2],
        [0, 31, 1],
        [1, 0, 8],
        [1, 8, 8],
        [0, 3, 4],
        [1, 16, 16],
      ];
      const given = JSON.stringify({ ...options, examples: { count: COUNT } });
      const output = execFileSync(
        process.execPath,
        ['--input-type=module', '-e', SCRIPT, built, given, JSON.stringify(course)],
        { encoding: 'utf8' },
      );
      const batches = new TrainBatches(options);
      const expected = course.map(([epoch, first, steps]) => {
        const chunk = batches.chunk(epoch!, first!, steps!, new Float32Array(steps!));
        const hash = createHash('sha256').update(chunk.images).update(chunk.labels);
        return hash.update(chunk.masks.m!).digest('hex');
      });
      expect(JSON.parse(output)).toEqual(expected);
    },
  );

  it('is not used for a few thousand examples', () => {
    const few = new TrainBatches({ ...options, examples: { ...options.examples, count: 4000 } });
    expect(prefetch(few)).toBe(few);
  });
});
