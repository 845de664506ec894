import '@tensorflow/tfjs';
import * as tf from '@tensorflow/tfjs-core';
import { expect } from 'vitest';
import { GraphBuilder } from '../../../src/engines/trace/builder.js';
import type { Graph, Value } from '../../../src/engines/trace/graph.js';
import { optimize } from '../../../src/engines/trace/passes/index.js';
import { printGraph } from '../../../src/engines/trace/print.js';
import { trace } from '../../../src/engines/trace/trace.js';
import { Random } from '../../../src/random.js';
import { sizeOf } from '../../../src/shape.js';

export interface TestInput {
  shape: number[];
  dtype: 'float32' | 'int32';
  data: Float32Array | Int32Array;
}

/** An engine's lowering of traced graphs, as `testLowering` runs it: all that an engine has to bring. */
export interface Lowering {
  /** What it lowers, by op. */
  ops: object;
  /** The forms that it can write a graph in, the usual one first. */
  forms: readonly [string, ...string[]];
  /** Whether it sums products of bfloat16 numbers in float32: TensorFlow's own kernels (Eigen's) don't always. */
  sumsInFloat32: boolean;
  /** Why it can't compute in bfloat16 on this machine; empty where it can. */
  noBfloat16: string;
  /** What a graph's outputs are for these inputs, in order. */
  run(graph: Graph, inputs: readonly TestInput[], form: string): Promise<ArrayLike<number>[]>;
}

export type TensorFunction = (...inputs: tf.Tensor[]) => tf.Tensor[];

/** Standard normal numbers. */
export function normal(seed: number, ...shape: number[]): TestInput {
  const random = new Random(seed, 'test');
  const data = Float32Array.from({ length: sizeOf(shape) }, () => random.normal());
  return { shape, dtype: 'float32', data };
}

/** Small whole numbers as floats, 0…n−1: many ties. */
export function ties(seed: number, n: number, ...shape: number[]): TestInput {
  const random = new Random(seed, 'test');
  const data = Float32Array.from({ length: sizeOf(shape) }, () => random.integer(n));
  return { shape, dtype: 'float32', data };
}

export function given(data: number[], shape = [data.length]): TestInput {
  return { shape, dtype: 'float32', data: Float32Array.from(data) };
}

export function integers(data: number[], shape = [data.length]): TestInput {
  return { shape, dtype: 'int32', data: Int32Array.from(data) };
}

export function tensorOf({ data, shape, dtype }: TestInput): tf.Tensor {
  return tf.tensor(data, shape, dtype);
}

/** What tfjs' own CPU backend gives: the reference. */
async function reference(
  f: TensorFunction,
  inputs: readonly TestInput[],
): Promise<ArrayLike<number>[]> {
  await tf.setBackend('cpu');
  return tf.tidy(() => f(...inputs.map(tensorOf)).map((tensor) => tensor.dataSync().slice()));
}

function traced(f: TensorFunction, inputs: readonly TestInput[]): Graph {
  return trace((declare) => {
    const tensors = inputs.map(({ shape, dtype }, i) => declare(`x${i}`, shape, dtype));
    return Object.fromEntries(f(...tensors).map((tensor, i) => [`y${i}`, tensor]));
  });
}

/** Runs cases on a lowering, in one of its forms. */
export class Bench {
  constructor(
    readonly lowering: Lowering,
    private readonly form: string = lowering.forms[0],
  ) {}

  /** Fails unless the function, as it was traced and as it is when optimized, gives what tfjs gives. */
  async same(f: TensorFunction, inputs: TestInput[], within = 0): Promise<void> {
    const expected = await reference(f, inputs);
    const graph = traced(f, inputs);
    const optimized = optimize(graph, 'float32');
    const graphs = printGraph(graph) === printGraph(optimized) ? [graph] : [graph, optimized];
    for (const [variant, each] of graphs.entries()) {
      const results = await this.lowering.run(each, inputs, this.form);
      expect(results).toHaveLength(expected.length);
      for (const [i, result] of results.entries()) {
        const where = `${variant === 0 ? 'as traced' : 'optimized'}, result ${i}`;
        expect(difference(result, expected[i]!), where).toBeLessThanOrEqual(within);
      }
    }
  }

  /** What the optimized function gives, and what tfjs gives. */
  async both(f: TensorFunction, inputs: TestInput[], precision: 'float32' | 'bfloat16') {
    const expected = await reference(f, inputs);
    const graph = optimize(traced(f, inputs), precision);
    return { compiled: await this.lowering.run(graph, inputs, this.form), expected };
  }

  /** What a graph gives that is built op by op. */
  async build(
    inputs: TestInput[],
    body: (b: GraphBuilder, ...values: [Value, Value, Value, Value]) => readonly Value[],
  ): Promise<ArrayLike<number>[]> {
    await tf.setBackend('cpu');
    const builder = new GraphBuilder();
    const values = inputs.map(({ shape, dtype }, i) => builder.input(`x${i}`, { shape, dtype }));
    const outputs = body(builder, ...(values as [Value, Value, Value, Value]));
    const graph = builder.build(new Map(outputs.map((value, i) => [`y${i}`, value])));
    return await this.lowering.run(graph, inputs, this.form);
  }
}

/** Largest difference, relative to the largest element. NaN and infinities must be in the same places. */
export function difference(actual: ArrayLike<number>, expected: ArrayLike<number>): number {
  expect(actual.length).toBe(expected.length);
  let largest = 0;
  let worst = 0;
  for (let i = 0; i < expected.length; i++) {
    const [a, b] = [actual[i]!, expected[i]!];
    if (!Number.isFinite(b) || !Number.isFinite(a)) {
      expect(a).toBe(b);
      continue;
    }
    largest = Math.max(largest, Math.abs(b));
    worst = Math.max(worst, Math.abs(a - b));
  }
  return worst / Math.max(largest, 1e-30);
}
