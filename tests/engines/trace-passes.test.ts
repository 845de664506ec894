import * as tf from '@tensorflow/tfjs-core';
import { beforeAll, describe, expect, it } from 'vitest';
import type { Graph } from '../../src/engines/trace/graph.js';
import { fusePatterns } from '../../src/engines/trace/passes/fuse.js';
import { optimize } from '../../src/engines/trace/passes/index.js';
import { lowerPrecision } from '../../src/engines/trace/passes/precision.js';
import { simplify } from '../../src/engines/trace/passes/simplify.js';
import { printGraph } from '../../src/engines/trace/print.js';
import { trace, traceEval, traceTrain } from '../../src/engines/trace/trace.js';
import '@tensorflow/tfjs';
import { makeCase } from './fixture.js';

type Body = (x: tf.Tensor, y: tf.Tensor) => tf.Tensor;

function traceOf(f: Body, shape = [4, 3], other = shape): Graph {
  return trace((input) => ({
    result: f(input('x', shape, 'float32'), input('y', other, 'float32')),
  }));
}

/** Ops other than inputs, in order. */
function ops(graph: Graph): string[] {
  return graph.nodes.map(({ op }) => op).filter((op) => op !== 'input');
}

beforeAll(() => tf.setBackend('cpu'));

describe('simplify', () => {
  it.each<[string, Body, string[]]>([
    ['x · 1', (x) => tf.mul(x, 1), []],
    ['x / 1 + 0 − 0', (x) => tf.sub(tf.add(tf.div(x, 1), 0), 0), []],
    ['a reshape and back', (x) => tf.reshape(tf.reshape(x, [12]), [4, 3]), []],
    ['a transpose of nothing', (x) => tf.transpose(x, [0, 1]), []],
    ['a cast there', (x) => tf.cast(tf.cast(x, 'float32'), 'float32'), []],
    ['constants of constants', () => tf.div(tf.add(tf.ones([4, 3]), 2), 4), ['splat']],
    [
      'a scalar after a broadcast',
      (x) => tf.div(tf.mul(tf.reshape(tf.slice(x, [0, 0], [1, 3]), [1, 3]), tf.ones([4, 3])), 5),
      ['slice', 'splat', 'divide', 'broadcast'],
    ],
  ])('takes away %s', (_, f, expected) => {
    expect(ops(simplify(traceOf(f))).sort()).toEqual(expected.sort());
  });

  it('keeps what is not an identity', () => {
    const graph = simplify(traceOf((x, y) => tf.sub(0, tf.mul(tf.add(x, y), 2))));
    expect(ops(graph)).toEqual(['add', 'splat', 'multiply', 'splat', 'subtract']);
  });

  it('keeps a product with one that broadcasts', () => {
    const graph = simplify(traceOf((x, y) => tf.mul(tf.mul(x, tf.ones([5, 4, 3])), y)));
    expect(graph.outputs.get('result')!.shape).toEqual([5, 4, 3]);
    expect(ops(graph)).toEqual(['broadcast', 'multiply']);
  });

  it('folds in single precision', () => {
    const graph = simplify(traceOf(() => tf.div(tf.scalar(1), 3)));
    expect(printGraph(graph)).toContain(`splat() {"value":${Math.fround(1 / 3)}}`);
  });

  it('goes from bytes to floats directly', () => {
    const graph = trace((input) => ({ y: tf.cast(input('x', [3], 'uint8'), 'float32') }));
    expect(ops(simplify(graph))).toEqual(['cast']);
  });

  it('does not go around a truncation', () => {
    const graph = traceOf((x) => tf.cast(tf.cast(x, 'int32'), 'float32'));
    expect(ops(simplify(graph))).toEqual(['cast', 'cast']);
  });
});

describe('fusePatterns', () => {
  it.each<[string, Body, string[]]>([
    ['a bias', (x, b) => tf.add(x, b), ['biasAdd']],
    ['a bias in front', (x, b) => tf.add(b, x), ['biasAdd']],
    ['the gradient of a bias', (x) => tf.sum(x, 0), ['biasAddGrad']],
    ['a sum of squares', (x) => tf.sum(tf.square(x)), ['l2Loss', 'add']],
  ])('recognizes %s', (_, f, expected) => {
    expect(ops(fusePatterns(traceOf(f, [4, 3], [3])))).toEqual(expected);
  });

  it.each<[string, Body]>([
    ['sums over other axes', (x) => tf.sum(x, 1)],
    ['sums that keep their axes', (x) => tf.sum(x, 0, true)],
    ['sums of squares over some axes', (x) => tf.sum(tf.square(x), 1)],
    ['sums of equals', (x, y) => tf.add(x, y)],
  ])('leaves alone %s', (_, f) => {
    const before = traceOf(f);
    expect(ops(fusePatterns(before))).toEqual(ops(before));
  });

  it('recognizes the gradient of ReLU, and takes its output as the features', () => {
    const graph = fusePatterns(
      traceOf((x, dy) => tf.add(tf.relu(x), tf.grad((t: tf.Tensor) => tf.relu(t))(x, dy))),
    );
    expect(printGraph(graph)).toMatch(/reluGrad\(%1, %2\)/);
    expect(ops(graph)).toEqual(['relu', 'reluGrad', 'add']);
  });
});

describe('lowerPrecision', () => {
  const dtypesOf = (graph: Graph, op: string) =>
    graph.nodes.filter((node) => node.op === op).map((node) => node.outputs[0]!.dtype);

  it('rounds products, lets activations follow, and gives results as float32', () => {
    const graph = lowerPrecision(
      traceOf((x, w) => tf.relu(tf.matMul(x as tf.Tensor2D, w as tf.Tensor2D)), [4, 3], [3, 2]),
    );
    expect(dtypesOf(graph, 'matMul')).toEqual(['bfloat16']);
    expect(dtypesOf(graph, 'relu')).toEqual(['bfloat16']);
    expect(graph.outputs.get('result')!.dtype).toBe('float32');
  });

  it.each(['mlp', 'alexnet', 'inception'])(
    'keeps state, loss, statistics and updates of %s in float32',
    (name) => {
      const { program } = makeCase({ name }, { imageShape: [8, 8, 3], batchSize: 2 });
      for (const traced of [traceTrain(program), traceEval(program)]) {
        const graph = optimize(traced, 'bfloat16');
        for (const [output, { dtype }] of graph.outputs) {
          expect(dtype, output).toBe(traced.outputs.get(output)!.dtype);
        }
        for (const op of ['sparseSoftmaxCrossEntropy', 'applyMomentum', 'l2Loss', 'rsqrt']) {
          expect(new Set(dtypesOf(graph, op)).has('bfloat16'), op).toBe(false);
        }
        for (const op of ['conv2d', 'conv2dBackpropFilter', 'matMul', 'relu', 'fusedBatchNorm']) {
          expect(new Set(dtypesOf(graph, op)).has('float32'), op).toBe(false);
        }
        for (const { inputs, op } of graph.nodes) {
          if (op === 'fusedBatchNorm') expect(inputs[1]!.dtype).toBe('float32');
        }
      }
    },
  );

  it('does not touch a graph without products', () => {
    const before = traceOf((x, y) => tf.add(tf.exp(x), y));
    expect(printGraph(lowerPrecision(before))).toBe(printGraph(before));
  });
});

it('optimize makes a step shorter and says the same of it', () => {
  const { program } = makeCase({ name: 'inception' }, { imageShape: [8, 8, 3], batchSize: 2 });
  const traced = traceTrain(program);
  const graph = optimize(traced, 'float32', ['whiten', 'allFinite']);
  expect(graph.nodes.length).toBeLessThan(traced.nodes.length);
  expect([...graph.inputs.keys()]).toEqual([...traced.inputs.keys()]);
  expect([...graph.outputs.keys()]).toEqual([...traced.outputs.keys()]);
  const relus = ops(graph).filter((op) => op === 'relu').length;
  expect(ops(graph).filter((op) => op === 'reluGrad')).toHaveLength(relus);
  expect(ops(graph)).not.toContain('step');
});

describe('whitening', () => {
  const traced = () => traceTrain(makeCase({ name: 'mlp', hidden: [7] }).program);

  it('is written out where an engine has no operation for it', () => {
    const graph = optimize(traced(), 'bfloat16');
    expect(ops(graph)).not.toContain('whiten');
    expect(ops(graph)).toContain('square');
  });

  it('takes bytes and gives what is multiplied where an engine has one', () => {
    const graph = optimize(traced(), 'bfloat16', ['whiten']);
    const [node, ...others] = graph.nodes.filter(({ op }) => op === 'whiten');
    expect(others).toEqual([]);
    expect(node!.inputs[0]).toBe(graph.inputs.get('images'));
    expect(node!.outputs[0]!.dtype).toBe('bfloat16');
    expect(ops(graph)).not.toContain('square');
  });
});
