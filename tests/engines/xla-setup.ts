import { expect } from 'vitest';
import { resolveConfig } from '../../src/config/resolve.js';
import { configSchema } from '../../src/config/schema.js';
import type { EvalChunk, HostState, Program, TrainChunk } from '../../src/engines/types.js';
import { buildModel } from '../../src/models/index.js';
import { Random } from '../../src/random.js';
import { initialState } from '../../src/train/init.js';
import { makeProgram } from '../../src/train/program.js';
import { difference } from './lowering/lowering.js';

const SIDE = 6;

export interface Setup {
  program: Program;
  state: HostState;
}

export function setup(model: Record<string, unknown>, dropout = 0): Setup {
  const config = resolveConfig(configSchema.parse({ model }), 'test');
  const built = buildModel({
    config: config.model,
    inputShape: [SIDE, SIDE, 3],
    classes: 5,
    dropout,
  });
  return {
    program: makeProgram({
      model: built,
      batchSize: 4,
      evalBatchSize: 3,
      momentum: 0.9,
      weightDecay: 0.001,
      dropout,
    }),
    state: initialState(built, 3),
  };
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

/** Steps `from` … `to − 1` of a chunk. */
export function part(chunk: TrainChunk, from: number, to: number): TrainChunk {
  const cut = <T extends Uint8Array | Int32Array | Float32Array>(array: T): T =>
    array.slice((array.length / chunk.steps) * from, (array.length / chunk.steps) * to) as T;
  return {
    steps: to - from,
    images: cut(chunk.images),
    labels: cut(chunk.labels),
    masks: Object.fromEntries(Object.entries(chunk.masks).map(([name, mask]) => [name, cut(mask)])),
    learningRates: cut(chunk.learningRates),
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
