import { Worker } from 'node:worker_threads';
import { type Images, isStored } from '../data/types.js';
import type { TrainChunk } from '../engines/types.js';
import { messageOf, RethinkError } from '../errors.js';
import { processThreads } from '../machine/machine.js';
import type { ChunkFailure, ChunkRequest } from './batch-worker.js';
import type { TrainBatches } from './batches.js';
import type { StreamedBatches } from './open-batches.js';

/** Fewer examples are prepared faster than a thread starts. */
const WORTHWHILE = 4096;
/** More are of no use: one prepares hundreds of thousands of images a second. */
const MOST_THREADS = 4;

type Prepared = Pick<TrainChunk, 'images' | 'labels' | 'masks' | 'extras'>;

type Answer = Pick<ChunkRequest, 'id'> & (Prepared | { failure: ChunkFailure });

interface Thread {
  worker: Worker;
  waiting: Map<number, { resolve(chunk: Prepared): void; reject(error: unknown): void }>;
}

/**
 * The same batches, prepared on threads of their own while an engine computes: each chunk asked for has the next ones
 * begun, in the order in which a run takes them. One that was not foreseen is prepared on the spot, so what a step gets
 * does not depend on threads.
 */
export class PrefetchedBatches {
  readonly batchSize: number;
  readonly stepsPerEpoch: number;
  readonly bytesPerStep: number;
  private readonly threads: Thread[];
  private readonly ahead = new Map<string, Promise<Prepared>>();
  private requests = 0;

  /** @param threads At least 1. */
  constructor(
    private readonly batches: TrainBatches | StreamedBatches,
    threads: number,
  ) {
    this.batchSize = batches.batchSize;
    this.stepsPerEpoch = batches.stepsPerEpoch;
    this.bytesPerStep = batches.bytesPerStep;
    const { options } = batches;
    const { examples } = options;
    // Threads read the one copy of the data that this makes.
    const workerData = {
      ...options,
      shared: true,
      examples: {
        images: sharedImages(examples.images),
        labels: sharedCopy(examples.labels),
        indices: sharedCopy(examples.indices),
        count: examples.count,
      },
    };
    this.threads = Array.from({ length: threads }, () => startThread(workerData));
  }

  /** As `TrainBatches.chunk`; the arrays stay as they are until the second call after this one. */
  async chunk(
    epoch: number,
    firstStep: number,
    steps: number,
    learningRates: Float32Array,
  ): Promise<TrainChunk> {
    const key = keyOf({ epoch, firstStep, steps });
    const foreseen = this.ahead.get(key);
    this.ahead.delete(key);
    // Whatever was begun is of another course of steps.
    if (foreseen === undefined) this.ahead.clear();
    const prepared = foreseen
      ? await foreseen
      : await this.batches.chunk(epoch, firstStep, steps, learningRates);
    this.prepareAhead(epoch, firstStep, steps);
    return { ...prepared, steps, learningRates };
  }

  /** Ends the threads. Safe to call twice. */
  dispose(): void {
    for (const { worker } of this.threads) void worker.terminate();
    this.batches.dispose();
  }

  private prepareAhead(epoch: number, firstStep: number, steps: number): void {
    let next = { epoch, firstStep, steps };
    for (let i = 0; i < this.threads.length; i++) {
      next = this.after(next, steps);
      const key = keyOf(next);
      if (this.ahead.has(key)) continue;
      const prepared = this.request(next);
      // Nobody may ever ask for it: an error is told to whoever does.
      prepared.catch(() => {});
      this.ahead.set(key, prepared);
    }
  }

  /** The chunk that a run takes after `chunk`, as long as it takes `steps` at a time: a power of two, to the epoch's end. */
  private after(chunk: Omit<ChunkRequest, 'id'>, steps: number): Omit<ChunkRequest, 'id'> {
    const end = chunk.firstStep + chunk.steps;
    const over = end >= this.stepsPerEpoch;
    const firstStep = over ? 0 : end;
    const most = Math.min(steps, this.stepsPerEpoch - firstStep);
    return {
      epoch: over ? chunk.epoch + 1 : chunk.epoch,
      firstStep,
      steps: 2 ** Math.floor(Math.log2(most)),
    };
  }

  private request(chunk: Omit<ChunkRequest, 'id'>): Promise<Prepared> {
    const id = this.requests++;
    const thread = this.threads[id % this.threads.length]!;
    return new Promise((resolve, reject) => {
      thread.waiting.set(id, { resolve, reject });
      thread.worker.postMessage({ id, ...chunk });
    });
  }
}

/**
 * Batches prepared on threads where that is worth it: more than a few thousand examples or images on the disk, and compiled
 * code (a thread can't load TypeScript).
 */
export function prefetch<B extends TrainBatches | StreamedBatches>(
  batches: B,
): B | PrefetchedBatches {
  const { count, images } = batches.options.examples;
  const worthwhile = count >= WORTHWHILE || isStored(images);
  if (!worthwhile || !import.meta.url.endsWith('.js')) return batches;
  return new PrefetchedBatches(batches, Math.max(1, Math.min(MOST_THREADS, processThreads() - 1)));
}

function startThread(workerData: object): Thread {
  const worker = new Worker(new URL('./batch-worker.js', import.meta.url), {
    workerData,
    // Options of this process, such as --input-type, may not fit a file.
    execArgv: [],
  });
  const thread: Thread = { worker, waiting: new Map() };
  worker.on('message', ({ id, ...answer }: Answer) => {
    const waiting = thread.waiting.get(id);
    thread.waiting.delete(id);
    if ('failure' in answer) waiting?.reject(failed(answer.failure));
    else waiting?.resolve(answer);
  });
  worker.on('error', (cause) => {
    const error = new RethinkError('failed', `Preparing a batch failed: ${messageOf(cause)}.`, {
      cause,
    });
    for (const { reject } of thread.waiting.values()) reject(error);
    thread.waiting.clear();
  });
  return thread;
}

function failed({ message, kind, hint }: ChunkFailure): RethinkError {
  if (hint !== undefined) return new RethinkError(kind, message, { hint });
  return kind === 'failed'
    ? new RethinkError(kind, `Preparing a batch failed: ${message}.`)
    : new RethinkError(kind, message);
}

function keyOf({ epoch, firstStep, steps }: Omit<ChunkRequest, 'id'>): string {
  return `${epoch}/${firstStep}/${steps}`;
}

/** Where images lie on a disk takes some bytes for each of them: one copy of that, too. */
function sharedImages(images: Images): Images {
  if (!isStored(images)) return sharedCopy(images);
  const { file, offset, bytes, corruption } = images;
  return {
    ...images,
    file: sharedCopy(file),
    offset: sharedCopy(offset),
    bytes: sharedCopy(bytes),
    ...(corruption && {
      corruption: { ...corruption, indices: sharedCopy(corruption.indices) },
    }),
  };
}

function sharedCopy<T extends Uint8Array | Int32Array | Uint32Array | Float64Array>(array: T): T {
  const memory = new SharedArrayBuffer(array.byteLength);
  const copy = new (array.constructor as new (memory: SharedArrayBuffer) => T)(memory);
  copy.set(array);
  return copy;
}
