import { setImmediate as yieldToEventLoop } from 'node:timers/promises';
import * as tf from '@tensorflow/tfjs-core';
import { sizeOf } from '../../shape.js';
import { checkState } from '../state.js';
import {
  type EvalChunk,
  type EvalMetrics,
  extraShape,
  type HostState,
  type Program,
  type Session,
  type State,
  type StepMetrics,
  type TrainChunk,
  type TrainInputs,
} from '../types.js';
import { onBackend } from './backend.js';

/**
 * Runs a program op by op on a tfjs backend: the reference for the compiled engines, and all that some machines have.
 *
 * @param backend Name of an initialized tfjs backend.
 */
export async function createEagerSession(
  backend: string,
  program: Program,
  state: HostState,
): Promise<Session> {
  const session = new EagerSession(backend, program);
  await session.setState(state);
  return session;
}

class EagerSession implements Session {
  private state: State = {};
  private disposed = false;
  /** A batch's images, written over by the next batch: by then the backend has read them. */
  private readonly pixels: Float32Array;

  constructor(
    private readonly backend: string,
    private readonly program: Program,
  ) {
    const [height, width, channels] = program.imageShape;
    const largest = Math.max(program.batchSize, program.evalBatchSize);
    this.pixels = new Float32Array(largest * height * width * channels);
  }

  async runSteps(chunk: TrainChunk): Promise<StepMetrics> {
    const metrics: StepMetrics = {
      loss: new Float32Array(chunk.steps),
      correct: new Int32Array(chunk.steps),
      finite: new Uint8Array(chunk.steps),
    };
    for (let step = 0; step < chunk.steps; step++) {
      await this.onBackend(() => this.trainStep(chunk, step, metrics));
      // Native calls block the event loop: signals and progress get their turn between steps.
      await yieldToEventLoop();
    }
    return metrics;
  }

  async evalChunk(chunk: EvalChunk): Promise<EvalMetrics> {
    const { evalBatchSize, classes } = this.program;
    const examples = chunk.batches * evalBatchSize;
    const metrics: EvalMetrics = {
      loss: new Float32Array(examples),
      prediction: new Int32Array(examples),
      rank: new Int32Array(examples),
    };
    if (chunk.probabilities) metrics.probabilities = new Float32Array(examples * classes);
    for (let batch = 0; batch < chunk.batches; batch++) {
      await this.onBackend(() => this.evalBatch(chunk, batch, metrics));
      await yieldToEventLoop();
    }
    return metrics;
  }

  getState(): Promise<HostState> {
    return this.onBackend(() => {
      const host: HostState = {};
      for (const { name, shape } of this.program.state) {
        // A backend may hand out the very array it was given; the caller's must be his own.
        const data = this.state[name]!.dataSync<'float32'>().slice();
        host[name] = { shape: [...shape], data };
      }
      return host;
    });
  }

  async setState(host: HostState): Promise<void> {
    checkState(this.program, host);
    await this.onBackend(() => {
      tf.dispose(this.state);
      this.state = {};
      for (const { name, shape } of this.program.state) {
        this.state[name] = tf.keep(tf.tensor(host[name]!.data.slice(), shape, 'float32'));
      }
    });
  }

  dispose(): void {
    if (this.disposed) return;
    this.disposed = true;
    tf.dispose(this.state);
    this.state = {};
  }

  private trainStep(chunk: TrainChunk, step: number, metrics: StepMetrics): void {
    const outputs = tf.tidy(() => ({
      ...this.program.trainStep(this.state, this.trainInputs(chunk, step)),
    }));
    metrics.loss[step] = outputs.loss.dataSync()[0]!;
    metrics.correct[step] = outputs.correct.dataSync()[0]!;
    metrics.finite[step] = outputs.finite.dataSync()[0]!;
    tf.dispose([outputs.loss, outputs.correct, outputs.finite]);
    this.replaceState(metrics.finite[step] ? outputs.state : this.state, outputs.state);
  }

  /** Keeps `next` and frees every tensor of the old and the computed state that isn't part of it. */
  private replaceState(next: State, computed: State): void {
    const kept = new Set(Object.values(next));
    const all = new Set([...Object.values(this.state), ...Object.values(computed)]);
    for (const tensor of all) if (!kept.has(tensor)) tensor.dispose();
    for (const tensor of kept) tf.keep(tensor);
    this.state = next;
  }

  private evalBatch(chunk: EvalChunk, batch: number, metrics: EvalMetrics): void {
    const { evalBatchSize, classes } = this.program;
    const outputs = tf.tidy(() => {
      const images = this.imageBatch(evalBatchSize, chunk.images, batch);
      const labels = rows(chunk.labels, batch, evalBatchSize);
      return { ...this.program.evalStep(this.state, images, tf.tensor1d(labels.slice(), 'int32')) };
    });
    const first = batch * evalBatchSize;
    metrics.loss.set(outputs.loss.dataSync(), first);
    metrics.prediction.set(outputs.prediction.dataSync(), first);
    metrics.rank.set(outputs.rank.dataSync(), first);
    if (outputs.margin !== undefined) {
      metrics.margin ??= new Float32Array(metrics.loss.length);
      metrics.margin.set(outputs.margin.dataSync(), first);
    }
    metrics.probabilities?.set(outputs.probabilities.dataSync(), first * classes);
    tf.dispose(outputs);
  }

  private trainInputs(chunk: TrainChunk, step: number): TrainInputs {
    const { batchSize } = this.program;
    const masks: TrainInputs['masks'] = {};
    for (const { name, units } of this.program.masks) {
      const mask = rows(chunk.masks[name]!, step, batchSize * units);
      masks[name] = tf.tensor2d(new Float32Array(mask), [batchSize, units], 'float32');
    }
    const extras: TrainInputs['extras'] = {};
    for (const spec of this.program.extras) {
      const shape = extraShape(spec, batchSize);
      const values = rows(chunk.extras[spec.name]!, step, sizeOf(shape));
      extras[spec.name] = tf.tensor(values.slice(), shape, spec.dtype);
    }
    return {
      images: this.imageBatch(batchSize, chunk.images, step),
      labels: tf.tensor1d(rows(chunk.labels, step, batchSize).slice(), 'int32'),
      masks,
      extras,
      learningRate: tf.scalar(chunk.learningRates[step]!),
    };
  }

  /** Bytes as floats: one conversion, in native code. */
  private imageBatch(batch: number, images: Uint8Array, index: number): tf.Tensor4D {
    const [height, width, channels] = this.program.imageShape;
    const pixels = this.pixels.subarray(0, batch * height * width * channels);
    pixels.set(rows(images, index, pixels.length));
    return tf.tensor4d(pixels, [batch, height, width, channels], 'float32');
  }

  private onBackend<T>(task: () => T): Promise<T> {
    return onBackend(this.backend, () => {
      if (this.disposed) throw new Error('the session has been disposed');
      return task();
    });
  }
}

function rows<T extends Uint8Array | Int32Array | Float32Array>(
  array: T,
  index: number,
  size: number,
): T {
  return array.subarray(index * size, (index + 1) * size) as T;
}
