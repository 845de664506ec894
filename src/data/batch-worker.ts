import { parentPort, workerData } from 'node:worker_threads';
import { TrainBatches, type TrainBatchesOptions } from './batches.js';

/** A thread of `PrefetchedBatches`: prepares the chunks it is asked for. */

export interface ChunkRequest {
  id: number;
  epoch: number;
  firstStep: number;
  steps: number;
}

const batches = new TrainBatches(workerData as TrainBatchesOptions);
const noRates = new Float32Array(0);

parentPort?.on('message', ({ id, epoch, firstStep, steps }: ChunkRequest) => {
  const { images, labels, masks } = batches.chunk(epoch, firstStep, steps, noRates);
  parentPort?.postMessage({ id, images, labels, masks });
});
