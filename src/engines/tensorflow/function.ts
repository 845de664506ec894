import type * as tf from '@tensorflow/tfjs-core';
import { optimize } from '../trace/passes/index.js';
import { trace } from '../trace/trace.js';
import { GraphDefWriter } from './graph/graph-def.js';
import { LowerContext } from './graph/lower/context.js';
import { lowerGraph } from './graph/lower/index.js';
import type { Endpoint } from './graph/variables.js';
import { type Feed, NativeSession } from './native-session.js';

/** A pure function of float32 tensors, traced once and run as a TensorFlow graph: what is computed beside training. */
export class CompiledFunction {
  private constructor(
    private readonly session: NativeSession,
    private readonly endpoint: Endpoint,
  ) {}

  /**
   * Needs the engine tensorflow to be loaded.
   *
   * @param shapes of the inputs
   * @param body what is computed of them, in tfjs-core operations: one float32 result
   */
  static compile(
    shapes: readonly (readonly number[])[],
    body: (...inputs: tf.Tensor[]) => tf.Tensor,
  ): CompiledFunction {
    const traced = trace((declare) => ({
      result: body(...shapes.map((shape, i) => declare(`input${i}`, shape, 'float32'))),
    }));
    const graph = optimize(traced, 'float32');
    const writer = new GraphDefWriter();
    const context = new LowerContext(writer, 'function');
    const inputs = [...graph.inputs].map(
      ([name, type]) => [name, context.placeholder(name, type)] as const,
    );
    const refOf = lowerGraph(context, graph, new Map(inputs));
    const feeds = inputs.map(([, { id }]) => id);
    const fetches = [refOf(graph.outputs.get('result')!).id];
    // As the operations compute one by one, to the bit.
    const session = NativeSession.create(writer, { rewrite: false });
    return new CompiledFunction(session, { feeds, fetches });
  }

  async run(inputs: readonly Feed[]): Promise<Float32Array> {
    const [result] = await this.session.run(this.endpoint, inputs);
    return result as Float32Array;
  }

  dispose(): void {
    this.session.dispose();
  }
}
