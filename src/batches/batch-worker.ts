import { parentPort, workerData } from 'node:worker_threads';
import { type ErrorKind, messageOf, RethinkError } from '../errors.js';
import { type AnyBatchesOptions, openBatches } from './open-batches.js';

/** A thread of `PrefetchedBatches`: prepares the chunks it is asked for. */

export interface ChunkRequest {
  id: number;
  epoch: number;
  firstStep: number;
  steps: number;
}

/** Why a chunk could not be prepared. */
export interface ChunkFailure {
  message: string;
  kind: ErrorKind;
  hint: string | undefined;
}

const batches = openBatches(workerData as AnyBatchesOptions);
const noRates = new Float32Array(0);

parentPort?.on('message', async ({ id, epoch, firstStep, steps }: ChunkRequest) => {
  try {
    const chunk = await batches.chunk(epoch, firstStep, steps, noRates);
    const { images, labels, masks, extras } = chunk;
    parentPort?.postMessage({ id, images, labels, masks, extras });
  } catch (error) {
    parentPort?.postMessage({ id, failure: failureOf(error) });
  }
});

/** An error that can be sent: of a class of ours a copy would keep only the message. */
function failureOf(error: unknown): ChunkFailure {
  const { kind, hint } =
    error instanceof RethinkError ? error : { kind: 'failed', hint: undefined };
  return { message: messageOf(error), kind: kind as ErrorKind, hint };
}
