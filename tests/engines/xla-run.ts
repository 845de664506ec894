import '@tensorflow/tfjs';
import * as tf from '@tensorflow/tfjs-core';
import { expect } from 'vitest';
import { type Graph, sizeOf } from '../../src/engines/trace/graph.js';
import { trace } from '../../src/engines/trace/trace.js';
import { lowerModule } from '../../src/engines/xla/lower/function.js';
import { CPU_TARGET, type Target } from '../../src/engines/xla/lower/target.js';
import { elementType } from '../../src/engines/xla/lower/text.js';
import type { HostArray } from '../../src/engines/xla/pjrt/buffer.js';
import type { PjrtClient } from '../../src/engines/xla/pjrt/client.js';
import { compileOptions } from '../../src/engines/xla/pjrt/compile-options.js';
import { Random } from '../../src/random.js';

export interface TestInput {
  shape: number[];
  dtype: 'float32' | 'int32' | 'bool';
  data: HostArray;
}

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

export type TensorFunction = (...inputs: tf.Tensor[]) => tf.Tensor[];

/** Runs a graph's outputs on the client's device. */
export async function runGraph(
  client: PjrtClient,
  graph: Graph,
  inputs: readonly HostArray[],
  target: Target = CPU_TARGET,
): Promise<HostArray[]> {
  const executable = await client.compile(lowerModule(graph, target), compileOptions());
  const buffers = await Promise.all(
    [...graph.inputs.values()].map(({ shape, dtype }, i) =>
      client.upload(inputs[i]!, shape, elementType(dtype)),
    ),
  );
  const specs = [...graph.outputs.values()].map(({ shape, dtype }) => ({
    shape,
    type: elementType(dtype),
  }));
  const outputs = await executable.execute(buffers, specs, 'testing');
  const arrays = await Promise.all(outputs.map((buffer) => buffer.toHost()));
  for (const resource of [...buffers, ...outputs, executable]) resource.destroy();
  return arrays;
}

/** What the traced function gives on the device, and what tfjs' own CPU backend gives. */
export async function both(
  client: PjrtClient,
  f: TensorFunction,
  inputs: readonly TestInput[],
  target?: Target,
): Promise<{ compiled: HostArray[]; eager: HostArray[] }> {
  await tf.setBackend('cpu');
  const eager = tf.tidy(() =>
    f(...inputs.map(({ data, shape, dtype }) => tf.tensor(data, shape, dtype))).map((tensor) =>
      tensor.dataSync().slice(),
    ),
  ) as HostArray[];
  const graph = trace((declare) => {
    const tensors = inputs.map(({ shape, dtype }, i) => declare(`x${i}`, shape, dtype));
    return Object.fromEntries(f(...tensors).map((tensor, i) => [`y${i}`, tensor]));
  });
  const data = inputs.map((input) => input.data);
  return { compiled: await runGraph(client, graph, data, target), eager };
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
