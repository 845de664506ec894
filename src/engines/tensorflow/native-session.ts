import * as tf from '@tensorflow/tfjs-core';
import { messageOf, RethinkError } from '../../errors.js';
import { onBackend } from '../backend.js';
import type { GraphDefWriter } from './graph/graph-def.js';
import { SERVE_TAG, withSavedModel } from './graph/saved-model.js';
import type { Endpoint } from './graph/variables.js';

/** What we use of tfjs-node's backend: TensorFlow sessions. */
interface SessionBackend {
  loadSavedModelMetaGraph(path: string, tags: string): number;
  runSavedModel(
    id: number,
    inputs: tf.Tensor[],
    inputInfos: { name: string }[],
    outputNames: string[],
  ): tf.Tensor[];
  deleteSavedModel(id: number): void;
}

export type FeedData = Float32Array | Int32Array;

/** What a feed is: numbers and their shape. */
export interface Feed {
  data: FeedData;
  shape: number[];
}

/** A TensorFlow session on one graph, through the SavedModel interface of tfjs-node. */
export class NativeSession {
  private open = true;

  private constructor(
    private readonly backend: SessionBackend,
    private readonly id: number,
  ) {}

  static create(graph: GraphDefWriter): Promise<NativeSession> {
    return withSavedModel(graph, (directory) =>
      onBackend('tensorflow', () => {
        const backend = tf.backend() as unknown as SessionBackend;
        const id = backend.loadSavedModelMetaGraph(directory, SERVE_TAG);
        return new NativeSession(backend, id);
      }),
    );
  }

  /**
   * One call: blocks the event loop while it computes. Feeds and results are in the endpoint's order; results are
   * copies.
   */
  run(endpoint: Endpoint, feeds: readonly Feed[]): Promise<tf.TypedArray[]> {
    return onBackend('tensorflow', () => this.runNow(endpoint, feeds));
  }

  private runNow(endpoint: Endpoint, feeds: readonly Feed[]): tf.TypedArray[] {
    if (!this.open) throw new Error('the session has been disposed');
    const inputs = feeds.map(({ data, shape }) =>
      tf.tensor(data, shape, data instanceof Int32Array ? 'int32' : 'float32'),
    );
    let outputs: tf.Tensor[] = [];
    try {
      const names = endpoint.feeds.map((name) => ({ name }));
      outputs = this.backend.runSavedModel(this.id, inputs, names, [...endpoint.fetches]);
      return outputs.map((tensor) => tensor.dataSync().slice());
    } catch (error) {
      throw explained(error);
    } finally {
      tf.dispose([...inputs, ...outputs]);
    }
  }

  /** Frees graph and variables. Safe to call twice. */
  dispose(): void {
    if (!this.open) return;
    this.open = false;
    this.backend.deleteSavedModel(this.id);
  }
}

function explained(error: unknown): RethinkError {
  const message = messageOf(error).replace(/^Session fail to run with error: /, '');
  const memory = /OOM|RESOURCE_EXHAUSTED|out of memory/i.test(message);
  const [first] = message.split('\n');
  return memory
    ? new RethinkError('failed', 'TensorFlow ran out of memory in a step.', {
        hint: 'Use a smaller train.batchSize or model, or a device with more memory.',
        cause: error,
      })
    : new RethinkError('failed', `TensorFlow failed in a step: ${first}`, {
        hint: 'engine.eager=true runs the same step op by op.',
        cause: error,
      });
}
