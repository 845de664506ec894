import '@tensorflow/tfjs';
import * as tf from '@tensorflow/tfjs-core';
import { attribute, GraphDefWriter } from '../../src/engines/tensorflow/graph/graph-def.js';
import {
  LowerContext,
  type Ref,
  typeOf,
} from '../../src/engines/tensorflow/graph/lower/context.js';
import { lowerGraph } from '../../src/engines/tensorflow/graph/lower/index.js';
import { NativeSession } from '../../src/engines/tensorflow/native-session.js';
import type { Graph } from '../../src/engines/trace/graph.js';
import { optimize } from '../../src/engines/trace/passes/index.js';
import { trace } from '../../src/engines/trace/trace.js';
import type { TensorFunction, TestInput } from './xla-run.js';

/** What a graph computes in a TensorFlow session, every result as float32. Inputs are float32 or int32. */
export async function runGraph(
  graph: Graph,
  inputs: readonly TestInput[],
): Promise<Float32Array[]> {
  const writer = new GraphDefWriter();
  const context = new LowerContext(writer, 'test');
  const placeholders = [...graph.inputs].map(([name, type]): [string, Ref] => [
    name,
    context.placeholder(name, type),
  ]);
  const refOf = lowerGraph(context, graph, new Map(placeholders));
  const fetches = [...graph.outputs].map(([name, value]) => {
    const { id } = context.cast(refOf(value), 'float32');
    return writer.node(`fetch/${name}`, 'Identity', [id], typeOf({ dtype: 'float32' }));
  });
  const feeds = placeholders.map(([, { id }]) => id);
  const session = NativeSession.create(writer);
  try {
    const data = inputs.map(({ data: numbers, shape }) => ({
      data: numbers as Float32Array | Int32Array,
      shape,
    }));
    return (await session.run({ feeds, fetches }, data)) as Float32Array[];
  } finally {
    session.dispose();
  }
}

/** What the traced and optimized function gives in TensorFlow, and what tfjs' own CPU backend gives. */
export async function both(
  f: TensorFunction,
  inputs: readonly TestInput[],
  precision: 'float32' | 'bfloat16' = 'float32',
): Promise<{ compiled: Float32Array[]; eager: Float32Array[] }> {
  await tf.setBackend('cpu');
  const eager = tf.tidy(() =>
    f(...inputs.map(({ data, shape, dtype }) => tf.tensor(data, shape, dtype))).map((tensor) =>
      Float32Array.from(tensor.dataSync()),
    ),
  ) as Float32Array[];
  const graph = trace((declare) => {
    const tensors = inputs.map(({ shape, dtype }, i) => declare(`x${i}`, shape, dtype));
    return Object.fromEntries(f(...tensors).map((tensor, i) => [`y${i}`, tensor]));
  });
  return { compiled: await runGraph(optimize(graph, precision), inputs), eager };
}

/** y = reshape(x, shape), both fed: a graph that TensorFlow can refuse when it runs. */
export function reshapeGraph(): GraphDefWriter {
  const writer = new GraphDefWriter();
  writer.node('x', 'Placeholder', [], { dtype: attribute.type('float32') });
  writer.node('shape', 'Placeholder', [], { dtype: attribute.type('int32') });
  const Tshape = attribute.type('int32');
  writer.node('y', 'Reshape', ['x', 'shape'], { ...typeOf({ dtype: 'float32' }), Tshape });
  return writer;
}
