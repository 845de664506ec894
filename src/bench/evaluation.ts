import { evalChunks } from '../batches/chunks.js';
import type { Session } from '../engines/types.js';
import { evaluateSplit } from '../train/evaluate.js';
import type { Effort } from './types.js';
import type { Workload } from './workload.js';

/**
 * Times evaluation on as many whole batches as fit into a round's seconds, at least one; the first pass is warm-up.
 *
 * @returns Images per second of each round.
 */
export async function timeEvaluation(
  session: Session,
  { examples, program, size, crop }: Workload,
  { seconds, rounds }: Effort,
): Promise<number[]> {
  const { evalBatchSize } = program;
  const pass = async (batches: number): Promise<number> => {
    const count = batches * evalBatchSize;
    const { images, labels } = examples;
    const start = performance.now();
    const options = { images, labels, count, size, evalBatchSize, crop };
    await evaluateSplit(session, evalChunks(options), count);
    return (performance.now() - start) / 1000;
  };
  await pass(1);
  const fitting = Math.floor(seconds / (await pass(1)));
  const batches = Math.max(1, Math.min(fitting, Math.floor(examples.count / evalBatchSize)));
  if (batches > 1) await pass(batches);
  const rates: number[] = [];
  for (let round = 0; round < rounds; round++) {
    rates.push((batches * evalBatchSize) / (await pass(batches)));
  }
  return rates;
}
