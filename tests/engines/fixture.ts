import { expect } from 'vitest';
import { type ExtraName, makeExtras } from '../../src/batches/extras.js';
import type { OptimizerConfig } from '../../src/config/optimizer.js';
import { resolveConfig } from '../../src/config/resolve.js';
import { configSchema } from '../../src/config/schema.js';
import { createEagerSession } from '../../src/engines/eager/eager.js';
import type {
  Engine,
  EvalChunk,
  EvalMetrics,
  HostState,
  Program,
  TrainChunk,
} from '../../src/engines/types.js';
import { buildModel } from '../../src/models/index.js';
import { Random } from '../../src/random.js';
import { initialState } from '../../src/train/init.js';
import { PER_EXAMPLE } from '../../src/train/memory.js';
import { makeProgram } from '../../src/train/program.js';
import type { TrainingLoss } from '../../src/train/types.js';
import { usual } from '../helpers/models.js';
import { useSmoothTwins } from './smooth-twin.js';

export interface Case {
  program: Program;
  state: HostState;
}

/** A small program with its initial state. */
export function makeCase(
  model: Record<string, unknown>,
  options: {
    imageShape?: [number, number, number];
    classes?: number;
    batchSize?: number;
    evalBatchSize?: number;
    seed?: number;
    dropout?: number;
    weightDecay?: number;
    /** Whether evaluations give margins: all kernels are asked for. */
    margin?: boolean;
    optimizer?: OptimizerConfig | undefined;
    loss?: TrainingLoss | undefined;
    /** Training examples, of a loss that remembers. */
    examples?: number;
    mixup?: boolean | undefined;
  } = {},
): Case {
  const { imageShape = [4, 4, 2], classes = 3, batchSize = 5 } = options;
  const {
    evalBatchSize = batchSize,
    dropout = 0,
    weightDecay = 1e-3,
    seed = 1,
    margin = true,
  } = options;
  const { optimizer, loss, mixup, examples = 0 } = options;
  const config = resolveConfig(configSchema.parse({ model }), 'test');
  const network = buildModel({ config: config.model, inputShape: imageShape, classes, dropout });
  const program = makeProgram({
    model: network,
    batchSize,
    evalBatchSize,
    momentum: 0.9,
    weightDecay,
    dropout,
    margin,
    optimizer,
    loss,
    mixup,
    examples,
  });
  return { program, state: initialState(network, seed, program.state) };
}

/** Random images, labels and masks for a number of steps. */
export function trainChunk(program: Program, steps: number, learningRate = 0.01): TrainChunk {
  const random = new Random(7, 'test/chunk');
  const { batchSize, imageShape, classes } = program;
  const pixels = imageShape.reduce((a, b) => a * b, steps * batchSize);
  const masks = program.masks.map(({ name, units }): [string, Uint8Array] => [
    name,
    Uint8Array.from({ length: steps * batchSize * units }, () => random.integer(2)),
  ]);
  return {
    steps,
    images: Uint8Array.from({ length: pixels }, () => random.integer(256)),
    labels: Int32Array.from({ length: steps * batchSize }, () => random.integer(classes)),
    masks: Object.fromEntries(masks),
    extras: extrasFor(program, steps),
    learningRates: new Float32Array(steps).fill(learningRate),
  };
}

/** Extras as a run has them: of a set of as many examples as the program remembers, in an order of its own. */
function extrasFor({ extras, state, batchSize }: Program, steps: number): TrainChunk['extras'] {
  const examples = state.find(({ name }) => name.startsWith(PER_EXAMPLE))?.shape[0] ?? batchSize;
  const given = Array.from({ length: steps }, (_, step) => ({
    seed: 7,
    step,
    mixup: 1,
    positions: new Random(7, 'test/positions', step).permutation(examples).subarray(0, batchSize),
  }));
  return makeExtras(
    extras.map(({ name }) => name as ExtraName),
    given,
  );
}

/** Steps `from` … `from + steps − 1` of a chunk, as a chunk of their own. */
export function partOf(chunk: TrainChunk, from: number, steps: number): TrainChunk {
  const part = <T extends Uint8Array | Int32Array | Float32Array>(array: T): T => {
    const size = array.length / chunk.steps;
    return array.slice(from * size, (from + steps) * size) as T;
  };
  const masks = Object.entries(chunk.masks).map(([name, mask]) => [name, part(mask)] as const);
  const extras = Object.entries(chunk.extras).map(([name, extra]) => [name, part(extra)] as const);
  return {
    steps,
    images: part(chunk.images),
    labels: part(chunk.labels),
    masks: Object.fromEntries(masks),
    extras: Object.fromEntries(extras),
    learningRates: part(chunk.learningRates),
  };
}

/** The images and labels of a training chunk, to evaluate. */
export function evalChunk({ steps, images, labels }: TrainChunk, probabilities = false): EvalChunk {
  return { batches: steps, images, labels, probabilities };
}

/**
 * Trains and evaluates a step of a small network beside tfjs' own backend: together they use every kernel. The test file
 * mocks the models' modules, as `smooth-twin.ts` says.
 */
export async function expectReference(
  engine: Engine,
  model: Record<string, unknown>,
  dropout: number,
): Promise<void> {
  const c = makeCase(model, { imageShape: [6, 6, 3], classes: 10, batchSize: 2, dropout });
  const chunk = trainChunk(c.program, 1, 1e-3);
  const reference = await createEagerSession('cpu', c.program, c.state);
  const session = await engine.load(c.program, c.state);
  for (const smooth of [true, false]) {
    useSmoothTwins(smooth);
    for (const each of [reference, session]) await each.setState(c.state);
    const expected = await reference.runSteps(chunk);
    const actual = await session.runSteps(chunk);
    expect(actual.loss[0]).toBeCloseTo(expected.loss[0]!, 4);
    expect(actual.correct).toEqual(expected.correct);
    const trained = await reference.getState();
    const apart = stateDistance(smooth ? trained : ungated(trained), await session.getState());
    expect(apart).toBeLessThan(1e-3);
  }
  const evaluated = evalChunk(chunk, true);
  const expected = await reference.evalChunk(evaluated);
  const actual = await session.evalChunk(evaluated);
  expectOwnRanks(actual, evaluated.labels);
  for (const [i, p] of expected.probabilities!.entries()) {
    expect(actual.probabilities![i]).toBeCloseTo(p, 4);
  }
  for (const each of [reference, session]) each.dispose();
}

/** Small networks and their dropout, for `expectReference`. */
export const REFERENCE_NETWORKS = usual<[model: Record<string, unknown>, dropout: number]>(
  [
    [{ name: 'mlp', hidden: [8] }, 0.5],
    [{ name: 'alexnet' }, 0],
    [{ name: 'inception' }, 0],
  ],
  2,
);

/** The greatest difference between two states, relative to the norm of each tensor. */
export function stateDistance(a: HostState, b: HostState): number {
  let greatest = 0;
  for (const [name, { data }] of Object.entries(a)) {
    const other = b[name]!.data;
    let [difference, norm] = [0, 0];
    // No map and no reduce: Inception V3 has 24 million parameters.
    for (let i = 0; i < data.length; i++) {
      difference += (data[i]! - other[i]!) ** 2;
      norm += data[i]! ** 2;
    }
    greatest = Math.max(greatest, Math.sqrt(difference / (norm || 1)));
  }
  return greatest;
}

/**
 * What of a trained state no gradient has reached through a ReLU or a pool: the running statistics and the last layer.
 * Of a whole network two engines agree in this; in the rest only where none of those is decided by a hair, as in its
 * smooth twin (`smooth-twin.ts`). One ReLU that is open here and shut there moves the gradients of all layers before it:
 * Inception V3's by three per cent.
 */
export function ungated(state: HostState): HostState {
  const kept = Object.entries(state).filter(([name]) => /^statistic\/|\/output\//.test(name));
  return Object.fromEntries(kept);
}

/**
 * Predictions, ranks and margins are those of the evaluation's own probabilities: another engine's are others by a hair.
 */
export function expectOwnRanks(metrics: EvalMetrics, labels: Int32Array): void {
  const classes = metrics.probabilities!.length / labels.length;
  for (const [i, label] of labels.entries()) {
    const row = [...metrics.probabilities!.subarray(i * classes, (i + 1) * classes)];
    expect(metrics.prediction[i]).toBe(row.indexOf(Math.max(...row)));
    expect(metrics.rank[i]).toBe(row.filter((p) => p > row[label]!).length);
    // A softmax's logarithms are the logits but for a constant.
    const others = row.filter((_, j) => j !== label);
    const margin = Math.log(row[label]!) - Math.log(Math.max(...others));
    expect(metrics.margin![i]).toBeCloseTo(margin, 3);
  }
}

/** Whether two states hold the same bits; for what is too large to compare number by number. */
export function sameBits(a: HostState, b: HostState): boolean {
  const bytes = ({ data }: { data: Float32Array }) => Buffer.from(data.buffer);
  return Object.entries(a).every(([name, tensor]) => bytes(tensor).equals(bytes(b[name]!)));
}
