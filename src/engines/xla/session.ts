import { requireEqualShares } from '../devices.js';
import { checkState } from '../state.js';
import type { Graph } from '../trace/graph.js';
import { traceEval, traceTrain } from '../trace/trace.js';
import type {
  EvalChunk,
  EvalMetrics,
  HostState,
  Program,
  Session,
  StepMetrics,
  TrainChunk,
} from '../types.js';
import type { ProgramCache } from './cache.js';
import { LoopProgram, release, type StepInputs } from './loop-program.js';
import { lowerLoop } from './lower/loop.js';
import type { LoopSpec } from './lower/signature.js';
import type { Target } from './lower/target.js';
import type { HostArray } from './pjrt/buffer.js';
import type { DeviceBuffer, PjrtClient } from './pjrt/client.js';
import { evalLoop, trainLoop, withSharedEvaluation } from './step-loops.js';

/** What all sessions of an engine share. */
export interface SessionContext {
  client: PjrtClient;
  cache: ProgramCache;
  target: Target;
  /** Serialized CompileOptions. */
  options: Buffer;
  /** Clean-up and precision of a traced graph. */
  prepare(graph: Graph): Graph;
  note(message: string): void;
}

/** State transfers under way at a time: the foreign-function library has a limit on calls. */
const TRANSFERS = 16;

/** A program on a client's devices: its state stays there, many steps run in one call. */
export class XlaSession implements Session {
  private state = new Map<string, DeviceBuffer>();
  private readonly evaluations = new Map<boolean, Promise<LoopProgram>>();
  /** The program with evaluation batches that the devices can share. */
  private readonly evaluated: Program;
  /** Calls run one after the other; only uploads overlap. */
  private tail: Promise<unknown> = Promise.resolve();
  private disposed = false;

  private constructor(
    private readonly context: SessionContext,
    private readonly program: Program,
    private readonly training: LoopProgram,
  ) {
    this.evaluated = withSharedEvaluation(program, context.client.devices.length);
  }

  /** Traces and compiles the training step and puts the state on the device. */
  static async create(
    context: SessionContext,
    program: Program,
    state: HostState,
  ): Promise<XlaSession> {
    const devices = context.client.devices.length;
    requireEqualShares({ devices }, program);
    const training = await compileLoop(
      context,
      trainLoop(context.prepare(traceTrain(program)), program, devices),
    );
    const session = new XlaSession(context, program, training);
    try {
      await session.setState(state);
    } catch (error) {
      session.dispose();
      throw error;
    }
    return session;
  }

  async runSteps(chunk: TrainChunk): Promise<StepMetrics> {
    const arrays: Record<string, HostArray> = {
      images: chunk.images,
      labels: chunk.labels,
      learningRate: chunk.learningRates,
      ...chunk.extras,
    };
    for (const { name } of this.program.masks) arrays[`mask/${name}`] = chunk.masks[name]!;
    const metrics: StepMetrics = {
      loss: new Float32Array(chunk.steps),
      correct: new Int32Array(chunk.steps),
      finite: new Uint8Array(chunk.steps),
    };
    await this.runPieces(this.training, arrays, chunk.steps, async (inputs, first) => {
      const result = await this.training.run(this.requireState(), inputs, 'training');
      this.replaceState(result.state);
      metrics.loss.set(result.collected.loss!, first);
      metrics.correct.set(result.collected.correct!, first);
      metrics.finite.set(result.collected.finite!, first);
    });
    return metrics;
  }

  async evalChunk(chunk: EvalChunk): Promise<EvalMetrics> {
    const { evalBatchSize, classes } = this.evaluated;
    const probabilities = chunk.probabilities === true;
    const loop = await this.evaluation(probabilities);
    const examples = chunk.batches * this.program.evalBatchSize;
    const batches = Math.ceil(examples / evalBatchSize);
    const metrics: EvalMetrics = {
      loss: new Float32Array(examples),
      prediction: new Int32Array(examples),
      rank: new Int32Array(examples),
    };
    if (probabilities) metrics.probabilities = new Float32Array(examples * classes);
    const arrays = { images: chunk.images, labels: chunk.labels };
    await this.runPieces(loop, arrays, batches, async (inputs, first) => {
      const { collected } = await loop.run(this.requireState(), inputs, 'evaluating');
      const start = first * evalBatchSize;
      // The last batch may be filled up.
      const real = examples - start;
      metrics.loss.set(collected.loss!.subarray(0, real), start);
      metrics.prediction.set(collected.prediction!.subarray(0, real), start);
      metrics.rank.set(collected.rank!.subarray(0, real), start);
      if (collected.margin !== undefined) {
        metrics.margin ??= new Float32Array(examples);
        metrics.margin.set(collected.margin.subarray(0, real), start);
      }
      metrics.probabilities?.set(
        collected.probabilities!.subarray(0, real * classes),
        start * classes,
      );
    });
    return metrics;
  }

  async getState(): Promise<HostState> {
    return await this.inTurn(async () => {
      const state = this.requireState();
      const host: HostState = {};
      await inBatches(this.program.state, TRANSFERS, async ({ name, shape }) => {
        const data = (await state.get(`state/${name}`)!.toHost()) as Float32Array;
        host[name] = { shape: [...shape], data };
      });
      // In the program's order, whatever came first.
      return Object.fromEntries(this.program.state.map(({ name }) => [name, host[name]!]));
    });
  }

  async setState(state: HostState): Promise<void> {
    checkState(this.program, state);
    await this.inTurn(async () => {
      const fresh = new Map<string, DeviceBuffer>();
      try {
        const { devices } = this.context.client;
        await inBatches(this.program.state, TRANSFERS / devices.length, async ({ name, shape }) => {
          const buffer = await this.context.client.upload(state[name]!.data, shape, 'f32');
          fresh.set(`state/${name}`, buffer);
        });
      } catch (error) {
        for (const buffer of fresh.values()) buffer.destroy();
        throw error;
      }
      this.replaceState(fresh);
    });
  }

  dispose(): void {
    if (this.disposed) return;
    // Behind whatever is under way: what it uses can't be freed before it ends.
    void this.inTurn(async () => {
      this.freeState();
      const programs = [this.training, ...(await Promise.allSettled(this.evaluations.values()))];
      for (const program of programs) {
        if (program instanceof LoopProgram) await program.destroy();
        else if (program.status === 'fulfilled') await program.value.destroy();
      }
    });
    this.disposed = true;
  }

  /** Resolves when nothing of this session is under way any more. */
  async settled(): Promise<void> {
    await this.tail;
  }

  /** Uploads pieces of at most the program's capacity at once, and runs them in order. */
  private async runPieces(
    loop: LoopProgram,
    arrays: Record<string, HostArray>,
    steps: number,
    run: (inputs: StepInputs, first: number) => Promise<void>,
  ): Promise<void> {
    for (let first = 0; first < steps; first += loop.capacity) {
      const count = Math.min(loop.capacity, steps - first);
      const upload = loop.upload(arrays, first, count);
      // It may fail before its turn comes, which is when the failure is looked at.
      upload.catch(() => undefined);
      await this.inTurn(async () => {
        const inputs = await upload;
        try {
          await run(inputs, first);
        } finally {
          release(inputs);
        }
      });
    }
  }

  private evaluation(probabilities: boolean): Promise<LoopProgram> {
    let loop = this.evaluations.get(probabilities);
    if (loop === undefined) {
      const graph = this.context.prepare(traceEval(this.evaluated));
      const devices = this.context.client.devices.length;
      loop = compileLoop(this.context, evalLoop(graph, this.evaluated, probabilities, devices));
      this.evaluations.set(probabilities, loop);
      loop.catch(() => this.evaluations.delete(probabilities));
    }
    return loop;
  }

  private replaceState(next: Map<string, DeviceBuffer>): void {
    this.freeState();
    this.state = next;
  }

  /** Also of buffers that a program took over: their memory is gone, their handles are not. */
  private freeState(): void {
    for (const buffer of this.state.values()) buffer.destroy();
    this.state = new Map();
  }

  private requireState(): Map<string, DeviceBuffer> {
    if (this.state.size === 0) throw new Error('the state was lost in a call that failed');
    return this.state;
  }

  private inTurn<T>(task: () => Promise<T>): Promise<T> {
    if (this.disposed) throw new Error('the session has been disposed');
    const result = this.tail.then(task);
    this.tail = result.catch(() => undefined);
    return result;
  }
}

async function compileLoop(context: SessionContext, spec: LoopSpec): Promise<LoopProgram> {
  const { executable } = await context.cache.compile(
    lowerLoop(spec, context.target),
    context.options,
  );
  return new LoopProgram(context.client, executable, spec);
}

async function inBatches<T>(
  items: readonly T[],
  most: number,
  task: (item: T) => Promise<void>,
): Promise<void> {
  const atOnce = Math.max(1, Math.floor(most));
  for (let first = 0; first < items.length; first += atOnce) {
    await Promise.all(items.slice(first, first + atOnce).map(task));
  }
}
