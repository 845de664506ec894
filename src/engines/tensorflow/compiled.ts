import { setImmediate as yieldToEventLoop } from 'node:timers/promises';
import { checkState } from '../state.js';
import type {
  EvalChunk,
  EvalMetrics,
  HostState,
  Program,
  Session,
  StepMetrics,
  TrainChunk,
} from '../types.js';
import { wordsFor } from './graph/feeds.js';
import { type CompiledProgram, compileProgram } from './graph/model.js';
import { type Feed, NativeSession } from './native-session.js';

/**
 * Traces a program, compiles it into one TensorFlow graph and puts the state into its variables. TensorFlow optimizes
 * a graph when it first runs: that happens in here, too, so that no step of a run is slower than the others.
 */
export async function createCompiledSession(
  program: Program,
  state: HostState,
  precision: 'float32' | 'bfloat16',
): Promise<Session> {
  checkState(program, state);
  const compiled = compileProgram(program, precision, Number(process.env.PARTS ?? 1));
  const session = new CompiledSession(
    program,
    compiled,
    await NativeSession.create(compiled.graph),
  );
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
    let first = 0;
    while (first < chunk.steps) {
      const left = chunk.steps - first;
      const { steps, endpoint } = this.compiled.train.find((t) => t.steps <= left)!;
      const results = await this.native.run(endpoint, this.trainFeeds(chunk, first, steps));
      const [loss, correct, finite] = results as [Float32Array, Int32Array, Uint8Array];
      const bad = finite.indexOf(0);
      const taken = bad === -1 ? steps : bad + 1;
      metrics.loss.set(loss.subarray(0, taken), first);
      metrics.correct.set(correct.subarray(0, taken), first);
      metrics.finite.set(finite.subarray(0, taken), first);
      if (bad !== -1) break;
      first += steps;
      // A call blocks the event loop: signals and progress get their turn between two.
      await yieldToEventLoop();
    }
    return metrics;
  }

  private async evaluate(chunk: EvalChunk): Promise<EvalMetrics> {
    const { evalBatchSize: batch, classes } = this.program;
    const { short, withProbabilities } = this.compiled.evaluate;
    const examples = chunk.batches * batch;
    const metrics: EvalMetrics = {
      loss: new Float32Array(examples),
      prediction: new Int32Array(examples),
      rank: new Int32Array(examples),
    };
    if (chunk.probabilities) metrics.probabilities = new Float32Array(examples * classes);
    for (let index = 0; index < chunk.batches; index++) {
      const feeds = [
        packed(chunk.images, index, batch * this.pixels),
        { data: rows(chunk.labels, index, batch), shape: [batch] },
      ];
      const endpoint = chunk.probabilities ? withProbabilities : short;
      const results = await this.native.run(endpoint, feeds);
      metrics.loss.set(results[0]!, index * batch);
      metrics.prediction.set(results[1]!, index * batch);
      metrics.rank.set(results[2]!, index * batch);
      metrics.probabilities?.set(results[3]!, index * batch * classes);
      await yieldToEventLoop();
    }
    return metrics;
  }

  private inTurn<T>(task: () => Promise<T>): Promise<T> {
    const result = this.tail.then(task);
    this.tail = result.catch(() => undefined);
    return result;
  }

  private get pixels(): number {
    return this.program.imageShape.reduce((product, d) => product * d, 1);
  }

  private trainFeeds(chunk: TrainChunk, first: number, steps: number): Feed[] {
    const { batchSize: batch, masks } = this.program;
    const bytes = (array: Uint8Array, perStep: number): Feed => {
      const part = array.subarray(first * perStep, (first + steps) * perStep);
      return packed(part, 0, part.length);
    };
    return [
      bytes(chunk.images, batch * this.pixels),
      {
        data: chunk.labels.subarray(first * batch, (first + steps) * batch),
        shape: [steps, batch],
      },
      { data: chunk.learningRates.subarray(first, first + steps), shape: [steps] },
      ...masks.map(({ name, units }) => bytes(chunk.masks[name]!, batch * units)),
    ];
  }
}

/** Steps whose inputs are all zero. */
function zeros({ batchSize, imageShape, masks }: Program, steps: number): TrainChunk {
  const examples = steps * batchSize;
  return {
    steps,
    images: new Uint8Array(imageShape.reduce((product, d) => product * d, examples)),
    labels: new Int32Array(examples),
    masks: Object.fromEntries(
      masks.map(({ name, units }) => [name, new Uint8Array(examples * units)]),
    ),
    learningRates: new Float32Array(steps),
  };
}

function rows(array: Int32Array, index: number, size: number): Int32Array {
  return array.subarray(index * size, (index + 1) * size);
}

/** Bytes `index · size` … of `array`, four to an int32: without a copy where they lie on whole words. */
function packed(array: Uint8Array, index: number, size: number): Feed {
  const bytes = array.subarray(index * size, (index + 1) * size);
  const words = wordsFor(size);
  if (bytes.byteOffset % 4 === 0 && size % 4 === 0) {
    return { data: new Int32Array(bytes.buffer, bytes.byteOffset, words), shape: [words] };
  }
  const data = new Int32Array(words);
  new Uint8Array(data.buffer).set(bytes);
  return { data, shape: [words] };
}
