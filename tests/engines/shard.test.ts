import * as tf from '@tensorflow/tfjs-core';
import '@tensorflow/tfjs';
import { beforeAll, describe, expect, it } from 'vitest';
import type { Graph, Op } from '../../src/engines/trace/graph.js';
import { optimize } from '../../src/engines/trace/passes/index.js';
import { type Cut, cutsOfState, planShards, shard } from '../../src/engines/trace/passes/shard.js';
import { trace, traceEval, traceTrain } from '../../src/engines/trace/trace.js';
import { ensureTensorflow } from '../helpers/engine.js';
import { makeCase } from './fixture.js';
import { normal } from './lowering/lowering.js';
import { runGraph } from './tensorflow-run.js';

const { engine, skipped } = await ensureTensorflow();

const WIDE = { name: 'mlp', hidden: [301, 300] };
const IMAGES = { imageShape: [9, 9, 3] as [number, number, number], batchSize: 5 };

function count(graph: Graph, op: Op): number {
  return graph.nodes.filter((node) => node.op === op).length;
}

beforeAll(() => tf.setBackend('cpu'));

describe('planShards', () => {
  const step = (hidden: number[]) =>
    optimize(traceTrain(makeCase({ name: 'mlp', hidden }, IMAGES).program), 'float32');

  it('cuts the batch by example, and large weights and their velocities by column', () => {
    const plan = planShards(step([301, 300]), 2);
    const columns = (sizes: number[]) => ({ axis: -1, sizes });
    expect(Object.fromEntries(plan)).toEqual({
      images: { axis: -4, sizes: [2, 3] },
      'state/param/dense1/weight': columns([150, 151]),
      'state/velocity/dense1/weight': columns([150, 151]),
      'state/param/dense2/weight': columns([150, 150]),
      'state/velocity/dense2/weight': columns([150, 150]),
    });
    expect([...cutsOfState(plan).keys()]).toEqual([
      'param/dense1/weight',
      'velocity/dense1/weight',
      'param/dense2/weight',
      'velocity/dense2/weight',
    ]);
  });

  it('leaves small weights whole', () => {
    expect([...planShards(step([20]), 2).keys()]).toEqual(['images']);
  });

  it('plans nothing for one part, and no batch of fewer examples than parts', () => {
    expect(planShards(step([301]), 1).size).toBe(0);
    const alone = makeCase(WIDE, { ...IMAGES, batchSize: 1 }).program;
    const plan = planShards(optimize(traceTrain(alone), 'float32'), 2);
    expect(plan.has('images')).toBe(false);
    expect(plan.has('state/param/dense1/weight')).toBe(true);
  });
});

describe('shard', () => {
  const { program } = makeCase(WIDE, IMAGES);

  it('keeps whitening, products and updates in parts, and joins no weight', () => {
    const whole = optimize(traceTrain(program), 'bfloat16');
    const graph = shard(whole, planShards(whole, 2));
    // Whitened images, each layer's outputs where the next one needs all of them, and the gradients of two biases.
    expect(count(graph, 'concat')).toBe(5);
    const large = graph.nodes.filter(
      ({ outputs: [y] }) => y!.shape.length === 2 && y!.shape[0]! >= 243,
    );
    expect(large.every(({ op }) => op !== 'concat' && op !== 'slice')).toBe(true);
    // Two more, for the two large of three weights.
    expect(count(graph, 'applyMomentum')).toBe(count(whole, 'applyMomentum') + 2);
    expect(graph.inputs.get('state/param/dense1/weight/part1')!.shape).toEqual([243, 151]);
    expect(graph.outputs.get('state/velocity/dense1/weight/part0')!.shape).toEqual([243, 150]);
    expect(graph.inputs.has('state/param/dense1/weight')).toBe(false);
  });

  it('changes nothing without a plan', () => {
    const whole = optimize(traceEval(program), 'float32');
    const graph = shard(whole, new Map());
    expect(graph.nodes.map(({ op }) => op)).toEqual(whole.nodes.map(({ op }) => op));
  });
});

type Body = (x: tf.Tensor, y: tf.Tensor) => tf.Tensor;
type Shapes = [x: number[], y: number[]];

const ROWS: Cut = { axis: -2, sizes: [2, 3] };
const COLUMNS: Cut = { axis: -1, sizes: [1, 3] };

describe.skipIf(engine === undefined)(`a graph in parts computes what it was${skipped}`, () => {
  it.each<[string, Body, Shapes, Cut]>([
    [
      'x + y',
      (x, y) => tf.add(x, y),
      [
        [5, 4],
        [5, 4],
      ],
      ROWS,
    ],
    [
      'x + y by column',
      (x, y) => tf.add(x, y),
      [
        [5, 4],
        [5, 4],
      ],
      COLUMNS,
    ],
    ['x · row', (x, y) => tf.mul(x, y), [[5, 4], [4]], COLUMNS],
    [
      'x · column',
      (x, y) => tf.mul(x, y),
      [
        [5, 4],
        [5, 1],
      ],
      COLUMNS,
    ],
    ['x · row, cut by row', (x, y) => tf.mul(x, y), [[5, 4], [4]], ROWS],
    [
      'column broadcast along the cut',
      (x, y) => tf.sub(y, x),
      [
        [5, 4],
        [3, 5, 4],
      ],
      ROWS,
    ],
    ['a vector broadcast by its own cut', (x, y) => tf.add(x, y), [[4], [5, 4]], COLUMNS],
    ['relu', (x) => tf.relu(tf.neg(x)), [[5, 4], [1]], COLUMNS],
    ['sum over the cut', (x) => tf.sum(x), [[5, 4], [1]], COLUMNS],
    ['sum along the cut', (x) => tf.sum(x, 1, true), [[5, 4], [1]], ROWS],
    ['sum that drops an axis before the cut', (x) => tf.sum(x, 0), [[5, 4], [1]], COLUMNS],
    ['sum that drops an axis behind the cut', (x) => tf.sum(x, 1), [[5, 4], [1]], ROWS],
    ['mean over the cut', (x) => tf.mean(x, 1), [[5, 4], [1]], COLUMNS],
    ['max along the cut', (x) => tf.max(x, 1), [[5, 4], [1]], ROWS],
    ['reshape of examples', (x) => tf.reshape(x, [5, 2, 2]), [[5, 4], [1]], ROWS],
    ['reshape through the cut', (x) => tf.reshape(x, [4, 5]), [[5, 4], [1]], ROWS],
    [
      'product with columns',
      (x, y) => tf.matMul(y, x),
      [
        [5, 4],
        [3, 5],
      ],
      COLUMNS,
    ],
    [
      'product with rows',
      (x, y) => tf.matMul(y, x),
      [
        [5, 4],
        [3, 5],
      ],
      ROWS,
    ],
    [
      'product of columns',
      (x, y) => tf.matMul(x, y),
      [
        [5, 4],
        [4, 3],
      ],
      COLUMNS,
    ],
    [
      'product over the cut',
      (x, y) => tf.matMul(y, x, false, true),
      [
        [5, 4],
        [3, 4],
      ],
      COLUMNS,
    ],
    [
      'gradient of weights',
      (x, y) => tf.matMul(y, x, true),
      [
        [5, 4],
        [5, 3],
      ],
      COLUMNS,
    ],
    [
      'all transposed',
      (x, y) => tf.matMul(y, x, true, true),
      [
        [5, 4],
        [4, 3],
      ],
      COLUMNS,
    ],
    ['softmax', (x) => tf.softmax(x as tf.Tensor2D), [[5, 4], [1]], COLUMNS],
    ['bias', (x, y) => tf.add(x, y), [[5, 4], [4]], ROWS],
    ['used whole and in parts', (x) => tf.add(tf.softmax(x), tf.relu(x)), [[5, 4], [1]], COLUMNS],
  ])('%s', async (_, f, shapes, cut) => {
    const graph = trace((input) => ({
      result: f(input('x', shapes[0], 'float32'), input('y', shapes[1], 'float32')),
    }));
    const inputs = shapes.map((shape, i) => normal(i + 1, ...shape));
    const whole = optimize(graph, 'float32');
    const parts = shard(whole, new Map([['x', cut]]));
    const [[expected], [actual]] = [await runGraph(whole, inputs), await runGraph(parts, inputs)];
    expect(actual!.length).toBe(expected!.length);
    actual!.forEach((value, i) => void expect(value).toBeCloseTo(expected![i]!, 5));
  });
});
