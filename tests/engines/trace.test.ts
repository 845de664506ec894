import '@tensorflow/tfjs';
import * as tf from '@tensorflow/tfjs-core';
import { afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { GraphBuilder } from '../../src/engines/trace/builder.js';
import type { Graph } from '../../src/engines/trace/graph.js';
import { printGraph } from '../../src/engines/trace/print.js';
import { trace, traceEval, traceTrain } from '../../src/engines/trace/trace.js';
import { makeCase } from './fixture.js';

function ops(graph: Graph): string[] {
  return graph.nodes.map(({ op }) => op).filter((op) => op !== 'input');
}

/** The graph of a function of one float32 vector of four. */
function traceOf(f: (x: tf.Tensor) => tf.Tensor): Graph {
  return trace((input) => ({ y: f(input('x', [4], 'float32')) }));
}

describe('the tracer', () => {
  beforeAll(() => tf.setBackend('cpu'));

  it('records named inputs and outputs, and prints them', () => {
    const graph = trace((input) => {
      const [x, w] = [input('x', [2, 3], 'float32'), input('w', [3, 4], 'float32')];
      return { y: tf.relu(tf.add(tf.matMul(x as tf.Tensor2D, w as tf.Tensor2D), 1)) };
    });
    expect(printGraph(graph)).toBe(
      [
        '%0 = input() {"name":"x"} : float32[2,3]',
        '%1 = input() {"name":"w"} : float32[3,4]',
        '%2 = matMul(%0, %1) {"transposeA":false,"transposeB":false} : float32[2,4]',
        '%3 = splat() {"value":1} : float32[]',
        '%4 = add(%2, %3) : float32[2,4]',
        '%5 = relu(%4) : float32[2,4]',
        'return y = %5',
      ].join('\n'),
    );
  });

  it('writes common subexpressions once and leaves out what no output needs', () => {
    const graph = traceOf((x) => {
      tf.exp(x);
      return tf.add(tf.square(tf.neg(x)), tf.square(tf.neg(x)));
    });
    expect(ops(graph)).toEqual(['negate', 'square', 'add']);
  });

  it('records nothing for identities, and one value for a constant of equal elements', () => {
    const graph = traceOf((x) => tf.add(tf.clone(tf.keep(x)), tf.ones([4])));
    expect(printGraph(graph)).toContain('splat() {"value":1} : float32[4]');
    expect(ops(graph)).toEqual(['splat', 'add']);
  });

  it('tells 0 from −0 and one NaN from none', () => {
    const graph = traceOf((x) =>
      tf.add(tf.mul(x, 0), tf.add(tf.mul(x, -0), tf.mul(x, Number.NaN))),
    );
    expect(ops(graph).filter((op) => op === 'splat')).toHaveLength(3);
  });

  it('shows bytes to tfjs as int32', () => {
    const graph = trace((input) => {
      const bytes = input('bytes', [2], 'uint8');
      expect(bytes.dtype).toBe('int32');
      return { y: tf.mul(bytes, tf.scalar(2, 'int32')) };
    });
    expect(graph.inputs.get('bytes')!.dtype).toBe('uint8');
    expect(graph.outputs.get('y')!.dtype).toBe('int32');
  });

  it('promotes operands as tfjs does', () => {
    const graph = trace((input) => ({
      sum: tf.add(input('x', [2], 'float32'), input('n', [2], 'int32')),
      mean: tf.mean(input('m', [2], 'int32')),
      count: tf.sum(input('b', [2], 'bool')),
    }));
    const dtypes = [...graph.outputs.values()].map(({ dtype }) => dtype);
    expect(dtypes).toEqual(['float32', 'float32', 'int32']);
  });

  it('differentiates', () => {
    const graph = traceOf((x) => tf.grad((t: tf.Tensor) => tf.sum(tf.square(t)))(x));
    expect(graph.outputs.get('y')!.shape).toEqual([4]);
    expect(ops(graph)).toContain('multiply');
  });

  it.each(['mlp', 'alexnet', 'inception'])('takes the whole step of %s', (name) => {
    const { program } = makeCase({ name }, { imageShape: [8, 8, 3], batchSize: 2, dropout: 0.5 });
    const state = program.state.map((spec) => `state/${spec.name}`);
    const train = traceTrain(program);
    const masks = program.masks.map((mask) => `mask/${mask.name}`);
    expect([...train.inputs.keys()]).toEqual([
      ...state,
      'images',
      'labels',
      ...masks,
      'learningRate',
    ]);
    expect([...train.outputs.keys()]).toEqual([...state, 'loss', 'correct', 'finite']);
    const parameters = program.state.filter((spec) => spec.name.startsWith('param/'));
    expect(ops(train).filter((op) => op === 'applyMomentum')).toHaveLength(parameters.length);
    for (const spec of program.state) {
      const output = train.outputs.get(`state/${spec.name}`)!;
      expect({ shape: output.shape, dtype: output.dtype }).toEqual({
        shape: spec.shape,
        dtype: 'float32',
      });
    }
    const evaluation = traceEval(program);
    expect([...evaluation.outputs.keys()]).toEqual([
      'loss',
      'prediction',
      'rank',
      'margin',
      'probabilities',
    ]);
    expect(evaluation.outputs.get('probabilities')!.shape).toEqual([2, 3]);
    // Asked for by nobody, a margin takes no operation.
    const without = makeCase({ name }, { imageShape: [8, 8, 3], batchSize: 2, margin: false });
    const bare = traceEval(without.program);
    expect([...bare.outputs.keys()]).toEqual(['loss', 'prediction', 'rank', 'probabilities']);
    expect(bare.nodes.length).toBeLessThan(evaluation.nodes.length);
  });

  it('gives the current backend back and leaves no tensor behind', () => {
    const { numTensors } = tf.memory();
    traceOf((x) => tf.square(x));
    expect(() => traceOf((x) => tf.tensor1d([x.dataSync()[0]!]))).toThrow();
    expect(tf.getBackend()).toBe('cpu');
    expect(tf.memory().numTensors).toBe(numTensors);
  });
});

describe('the tracer refuses, by name,', () => {
  let outside: tf.Tensor[] = [];
  beforeEach(() => {
    outside = [];
  });
  afterEach(() => tf.dispose(outside));

  function captured<T extends tf.Tensor>(tensor: T): T {
    outside.push(tensor);
    return tensor;
  }

  it.each<[string, (x: tf.Tensor) => tf.Tensor, RegExp]>([
    ['random numbers', (x) => tf.add(x, tf.randomNormal([4])), /tf\.randomNormal draws random/],
    ['a dropout', (x) => tf.dropout(x, 0.5), /draws random numbers/],
    ['a truncated normal', (x) => tf.mul(x, tf.truncatedNormal([4])), /tf\.truncatedNormal/],
    ['a read', (x) => tf.scalar(x.dataSync()[0]!), /dataSync asks for the value/],
    [
      'a large constant',
      (x) => tf.add(x, tf.sum(tf.tensor1d(Float32Array.from({ length: 70_000 }, (_, i) => i)))),
      /70000 elements \[70000\] as a constant/,
    ],
    ['an operation without a kernel', (x) => tf.cumsum(x), /no kernel for Cumsum/],
    ['complex numbers', (x) => tf.complex(x, x), /no kernel for Complex/],
  ])('%s', (_, f, message) => {
    const error = (() => {
      try {
        traceOf(f);
      } catch (thrown) {
        return thrown;
      }
      return undefined;
    })();
    expect(error).toMatchObject({ name: 'RethinkError', message: expect.stringMatching(message) });
    expect(error).toHaveProperty('hint', expect.any(String));
  });

  it('a variable', () => {
    const variable = captured(tf.variable(tf.tensor1d([1, 2, 3, 4]), true, 'counter'));
    expect(() => traceOf((x) => tf.add(x, variable))).toThrow(
      /tf\.add reads the variable 'counter'/,
    );
    expect([...variable.dataSync()]).toEqual([1, 2, 3, 4]);
  });

  it('a large eager tensor, while a small one becomes a constant and lives on', () => {
    const [small, large] = [captured(tf.tensor1d([1, 2, 3, 4])), captured(tf.range(0, 70_000))];
    expect(ops(traceOf((x) => tf.add(x, small)))).toEqual(['constant', 'add']);
    expect(() => traceOf((x) => tf.add(tf.sum(large), tf.sum(x)))).toThrow(
      /tf\.sum captures .*70000/,
    );
    expect([...small.dataSync()]).toEqual([1, 2, 3, 4]);
    expect(large.dataSync()).toHaveLength(70_000);
  });

  it('a tensor used after its trace', () => {
    let leaked: tf.Tensor | undefined;
    traceOf((x) => {
      leaked = tf.keep(tf.neg(x));
      return x;
    });
    expect(() => leaked!.dataSync()).toThrow(/value of a tensor inside a traced step/);
  });
});

describe('the graph builder', () => {
  const builder = new GraphBuilder();
  const input = (name: string, shape: number[], dtype: 'float32' | 'int32' = 'float32') =>
    builder.input(name, { shape, dtype });

  it.each<[string, () => unknown, RegExp]>([
    [
      'shapes that do not broadcast',
      () => builder.apply('add', input('a', [2, 3]), input('b', [4])),
      /add\(float32\[2,3\], float32\[4\]\): shapes/,
    ],
    [
      'dtypes that differ',
      () => builder.apply('add', input('c', [2]), input('d', [2], 'int32')),
      /operands differ in dtype/,
    ],
    [
      'products whose inner axes differ',
      () =>
        builder.emit('matMul', [input('e', [2, 3]), input('f', [2, 3])], {
          transposeA: false,
          transposeB: false,
        }),
      /inner axes differ/,
    ],
    ['a reshape to another size', () => builder.reshape(input('g', [6]), [4]), /is no \[4\]/],
    ['two inputs of a name', () => [input('h', [1]), input('h', [1])], /two inputs are named h/],
  ])('refuses %s', (_, f, message) => {
    expect(f).toThrow(message);
  });
});
