import { mapConcurrent } from '../../map-concurrent.js';
import { sizeOf } from '../../shape.js';
import { checkState } from '../state.js';
import {
  type EvalChunk,
  type EvalMetrics,
  extraShape,
  type HostState,
  type Program,
  type Session,
  type StepMetrics,
  type TrainChunk,
} from '../types.js';
import { type CompiledProgram, type CompileOptions, compileProgram } from './graph/model.js';
import { type Feed, NativeSession } from './native-session.js';

/**
 * Traces a program, compiles it into one TensorFlow graph and puts the state into its variables. TensorFlow optimizes
 * a graph when it first runs: that happens in here, too, so that no step of a run is slower than the others.
 */
export async function createCompiledSession(
  program: Program,
  state: HostState,
  options: CompileOptions,
): Promise<Session> {
  checkState(program, state);
  const compiled = compileProgram(program, options);
  const native = NativeSession.create(compiled.graph, compiled.options);
  const session = new CompiledSession(program, compiled, native);
  try {
    await session.setState(state);
    await session.warmUp();
    await session.setState(state);
  } catch (error) {
    session.dispose();
    throw error;
  }
  return session;
}

/** A program as a TensorFlow graph, one step or a few in a call. */
class CompiledSession implements Session {
  /** Calls run one after the other, though each yields between its steps. */
  private tail: Promise<unknown> = Promise.resolve();

  constructor(
    private readonly program: Program,
    private readonly compiled: CompiledProgram,
    private readonly native: NativeSession,
  ) {}

  runSteps(chunk: TrainChunk): Promise<StepMetrics> {
    return this.inTurn(() => this.train(chunk));
  }

  evalChunk(chunk: EvalChunk): Promise<EvalMetrics> {
    return this.inTurn(() => this.evaluate(chunk));
  }

  getState(): Promise<HostState> {
    return this.inTurn(async () => {
      const values = await this.native.run(this.compiled.get, []);
      return Object.fromEntries(
        this.program.state.map(({ name, shape }, i) => [
          name,
          { shape: [...shape], data: values[i] as Float32Array },
        ]),
      );
    });
  }

  setState(state: HostState): Promise<void> {
    return this.inTurn(async () => {
      checkState(this.program, state);
      const feeds = this.program.state.map(({ name, shape }) => ({
        data: state[name]!.data,
        shape,
      }));
      await this.native.run(this.compiled.set, feeds);
    });
  }

  /** Calls every way to train once, on zeros. The state is another one afterwards. */
  warmUp(): Promise<void> {
    return this.inTurn(async () => {
      for (const { steps, endpoint } of this.compiled.train) {
        await this.native.run(endpoint, this.trainFeeds(zeros(this.program, steps), 0, steps));
      }
    });
  }

  dispose(): void {
    this.native.dispose();
  }

  private async train(chunk: TrainChunk): Promise<StepMetrics> {
    const metrics: StepMetrics = {
      loss: new Float32Array(chunk.steps).fill(Number.NaN),
      correct: new Int32Array(chunk.steps),
      finite: new Uint8Array(chunk.steps),
    };
    let next = this.prepareCall(chunk, 0);
    while (next !== undefined) {
      const { first, steps, endpoint, feeds } = next;
      const running = this.native.run(endpoint, feeds);
      next = this.prepareCall(chunk, first + steps);
      const results = await running.catch((error) => {
        next?.feeds.free();
        throw error;
      });
      const [loss, correct, finite] = results as [Float32Array, Int32Array, Uint8Array];
      const bad = finite.indexOf(0);
      const taken = bad === -1 ? steps : bad + 1;
      metrics.loss.set(loss.subarray(0, taken), first);
      metrics.correct.set(correct.subarray(0, taken), first);
      metrics.finite.set(finite.subarray(0, taken), first);
      if (bad === -1) continue;
      next?.feeds.free();
      break;
    }
    return metrics;
  }

  /** The call that takes the steps from `first` on, as many as there is a way to take at once. */
  private prepareCall(chunk: TrainChunk, first: number) {
    const left = chunk.steps - first;
    const call = this.compiled.train.find(({ steps }) => steps <= left);
    if (call === undefined) return undefined;
    const feeds = this.native.prepare(this.trainFeeds(chunk, first, call.steps));
    return { ...call, first, feeds };
  }

  private async evaluate(chunk: EvalChunk): Promise<EvalMetrics> {
    const { evalBatchSize: batch, evalAtOnce, classes } = this.program;
    const { outputs, short, withProbabilities } = this.compiled.evaluate;
    const examples = chunk.batches * batch;
    const metrics: EvalMetrics = {
      loss: new Float32Array(examples),
      prediction: new Int32Array(examples),
      rank: new Int32Array(examples),
    };
    if (outputs.includes('margin')) metrics.margin = new Float32Array(examples);
    if (chunk.probabilities) metrics.probabilities = new Float32Array(examples * classes);
    const endpoint = chunk.probabilities ? withProbabilities : short;
    // Each batch is a call of its own, so its numbers don't depend on which others are under way.
    const calls = mapConcurrent(Array(chunk.batches).keys(), evalAtOnce, (index) =>
      this.native.run(endpoint, this.evalFeeds(chunk, index)),
    );
    let at = 0;
    for await (const results of calls) {
      for (const [i, name] of outputs.entries()) metrics[name]!.set(results[i]!, at * batch);
      metrics.probabilities?.set(results[outputs.length]!, at * batch * classes);
      at++;
    }
    return metrics;
  }

  private inTurn<T>(task: () => Promise<T>): Promise<T> {
    const result = this.tail.then(task);
    this.tail = result.catch(() => undefined);
    return result;
  }

  private evalFeeds({ images, labels }: EvalChunk, index: number): Feed[] {
    const { evalBatchSize: batch, imageShape } = this.program;
    const part = partsOf(index, 1);
    return [part(images, [batch, ...imageShape]), part(labels, [batch])];
  }

  private trainFeeds(chunk: TrainChunk, first: number, steps: number): Feed[] {
    const { batchSize: batch, imageShape, masks, extras } = this.program;
    const part = partsOf(first, steps);
    return [
      part(chunk.images, [steps, batch, ...imageShape]),
      part(chunk.labels, [steps, batch]),
      part(chunk.learningRates, [steps]),
      ...masks.map(({ name, units }) => part(chunk.masks[name]!, [steps, batch, units])),
      ...extras.map((spec) => part(chunk.extras[spec.name]!, [steps, ...extraShape(spec, batch)])),
    ];
  }
}

/** Cuts `count` items from `first` on out of arrays of such items; `shape` is the result's. */
function partsOf(first: number, count: number) {
  return (array: Feed['data'], shape: readonly number[]): Feed => {
    const size = sizeOf(shape) / count;
    return { data: array.subarray(first * size, (first + count) * size), shape };
  };
}

/** Steps whose inputs are all zero. */
function zeros({ batchSize, imageShape, masks, extras }: Program, steps: number): TrainChunk {
  const examples = steps * batchSize;
  return {
    steps,
    images: new Uint8Array(examples * sizeOf(imageShape)),
    labels: new Int32Array(examples),
    masks: Object.fromEntries(
      masks.map(({ name, units }) => [name, new Uint8Array(examples * units)]),
    ),
    extras: Object.fromEntries(
      extras.map((spec) => {
        const size = steps * sizeOf(extraShape(spec, batchSize));
        return [spec.name, spec.dtype === 'int32' ? new Int32Array(size) : new Float32Array(size)];
      }),
    ),
    learningRates: new Float32Array(steps),
  };
}
