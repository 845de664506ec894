import { expect } from 'vitest';
import type { EvalChunk, HostState, TrainChunk } from '../../src/engines/types.js';
import { Random } from '../../src/random.js';
import { type Case, makeCase } from './fixture.js';
import { difference } from './lowering/lowering.js';

const SIDE = 6;

export type Setup = Case;

export function setup(model: Record<string, unknown>, dropout = 0): Setup {
  const shape = { imageShape: [SIDE, SIDE, 3] as [number, number, number], classes: 5 };
  return makeCase(model, { ...shape, batchSize: 4, evalBatchSize: 3, dropout, seed: 3 });
}

export function trainChunk({ program }: Setup, steps: number, seed = 1): TrainChunk {
  const random = new Random(seed, 'chunk');
  const images = steps * program.batchSize;
  const bytes = (n: number, bound: number) =>
    Uint8Array.from({ length: n }, () => random.integer(bound));
  return {
    steps,
    images: bytes(images * SIDE * SIDE * 3, 256),
    labels: Int32Array.from({ length: images }, () => random.integer(program.classes)),
    masks: Object.fromEntries(
      program.masks.map(({ name, units }) => [name, bytes(images * units, 2)]),
    ),
    extras: {},
    learningRates: Float32Array.from({ length: steps }, (_, i) => 0.01 / (1 + i)),
  };
}

export function evalChunk({ program }: Setup, batches: number, probabilities: boolean): EvalChunk {
  const { images, labels } = trainChunk({ program } as Setup, batches, 2);
  const examples = batches * program.evalBatchSize;
  return {
    batches,
    images: images.slice(0, examples * SIDE * SIDE * 3),
    labels: labels.slice(0, examples),
    probabilities,
  };
}

export function stateDifference(actual: HostState, expected: HostState): number {
  expect(Object.keys(actual)).toEqual(Object.keys(expected));
  return Math.max(
    ...Object.keys(expected).map((name) => {
      expect(actual[name]!.shape).toEqual(expected[name]!.shape);
      return difference(actual[name]!.data, expected[name]!.data);
    }),
  );
}

/** Bit for bit. (vitest's own comparison takes twenty seconds for a network.) */
export function expectSameState(actual: HostState, expected: HostState): void {
  expect(Object.keys(actual)).toEqual(Object.keys(expected));
  for (const [name, { shape, data }] of Object.entries(expected)) {
    const found = actual[name]!;
    expect(found.shape).toEqual(shape);
    const [a, b] = [found.data, data].map((x) => Buffer.from(x.buffer, x.byteOffset, x.byteLength));
    expect(a!.equals(b!), name).toBe(true);
  }
}
