import { attribute, GraphDefWriter } from '../../src/engines/tensorflow/graph/graph-def.js';
import {
  LowerContext,
  type Ref,
  typeOf,
} from '../../src/engines/tensorflow/graph/lower/context.js';
import { LOWERINGS, lowerGraph } from '../../src/engines/tensorflow/graph/lower/index.js';
import { NativeSession } from '../../src/engines/tensorflow/native-session.js';
import type { Graph } from '../../src/engines/trace/graph.js';
import { noBfloat16 } from '../helpers/engine.js';
import type { Lowering, TestInput } from './lowering/lowering.js';

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
    return (await session.run({ feeds, fetches }, inputs)) as Float32Array[];
  } finally {
    session.dispose();
  }
}

/** The lowering to a TensorFlow graph. */
export const TENSORFLOW_LOWERING: Lowering = {
  ops: LOWERINGS,
  forms: ['native ops'],
  sumsInFloat32: process.env.TF_ENABLE_ONEDNN_OPTS !== '0',
  noBfloat16,
  run: runGraph,
};

/** y = reshape(x, shape), both fed: a graph that TensorFlow can refuse when it runs. */
export function reshapeGraph(): GraphDefWriter {
  const writer = new GraphDefWriter();
  writer.node('x', 'Placeholder', [], { dtype: attribute.type('float32') });
  writer.node('shape', 'Placeholder', [], { dtype: attribute.type('int32') });
  const Tshape = attribute.type('int32');
  writer.node('y', 'Reshape', ['x', 'shape'], { ...typeOf({ dtype: 'float32' }), Tshape });
  return writer;
}
