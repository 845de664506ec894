import { describe, expect, it } from 'vitest';
import { evalChunks, stepsPerChunk } from '../../src/batches/chunks.js';
import { byteAt, positionLabelled, SIZE } from './helpers.js';

const split = positionLabelled(23);
const evaluation = (options: { evalBatchSize: number; maxBytes?: number }) =>
  evalChunks({ ...split, size: SIZE, crop: 8, ...options });

describe('evalChunks', () => {
  it.each([
    // Batches of 4 examples of 192 bytes: two, one and all of them in a chunk.
    [4, 1600, [8, 8, 7], [2, 2, 2]],
    [4, 1, [4, 4, 4, 4, 4, 3], [1, 1, 1, 1, 1, 1]],
    [4, undefined, [23], [6]],
    [50, undefined, [23], [1]],
    [23, undefined, [23], [1]],
  ])('batches of %d, %s bytes: all examples in order', (evalBatchSize, maxBytes, counts, sizes) => {
    let next = 0;
    const seen: [number, number][] = [];
    for (const chunk of evaluation({ evalBatchSize, maxBytes })) {
      seen.push([chunk.count, chunk.batches]);
      expect(chunk.labels.length).toBe(chunk.batches * evalBatchSize);
      expect(chunk.images.length).toBe(chunk.labels.length * 192);
      for (let i = 0; i < chunk.labels.length; i++) {
        // The last example again, where the batch is longer than what is left.
        const example = i < chunk.count ? next++ : next - 1;
        expect(chunk.labels[i]).toBe(split.labels[example]);
        for (let b = 0; b < 192; b++) {
          const [y, x, c] = [1 + Math.floor(b / 24), 2 + (Math.floor(b / 3) % 8), b % 3];
          expect(chunk.images[i * 192 + b]).toBe(byteAt(split, example, y, x, c));
        }
      }
    }
    expect(next).toBe(23);
    expect(seen).toEqual(counts.map((count, i) => [count, sizes[i]]));
  });

  it('keeps a chunk as it is while the next one is made', () => {
    const chunks = evaluation({ evalBatchSize: 4, maxBytes: 1 });
    const first = chunks.next().value!;
    const kept = first.images.slice();
    chunks.next();
    expect(first.images).toEqual(kept);
  });

  it('has no chunk where there is no example', () => {
    const none = { ...split, count: 0, size: SIZE, crop: 8, evalBatchSize: 4 };
    expect([...evalChunks(none)]).toEqual([]);
  });
});

describe('stepsPerChunk', () => {
  const MIB = 1024 * 1024;
  it.each([
    [MIB, undefined, 1],
    [MIB, 0, 64],
    [MIB, 0.1, 10],
    [MIB, 0.001, 64],
    [MIB, 3, 1],
    [100 * MIB, 0.001, 1],
    [128 * 2352, 0.004, 222],
  ])('%d bytes and %s s a step: %d steps', (bytesPerStep, secondsPerStep, steps) => {
    expect(stepsPerChunk({ bytesPerStep, secondsPerStep })).toBe(steps);
  });
});
