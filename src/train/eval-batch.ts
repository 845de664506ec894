import { traceEval } from '../engines/trace/trace.js';
import type { Model } from '../models/types.js';
import { sizeOf } from '../shape.js';
import { makeProgram } from './program.js';

/** Examples evaluated at once: large enough to keep a device busy, small enough for its memory. */
export const EVAL_BATCH = 250;
/** What one layer may take of memory for a batch; an engine holds two or three layers at a time. */
const LAYER_BYTES = 512 * 1024 * 1024;
const FLOAT_BYTES = 4;

/** How a split is evaluated. */
export interface EvalBatches {
  /** Examples in a batch. */
  evalBatchSize: number;
  /** Batches that may be under way at once. */
  evalAtOnce: number;
}

/**
 * How many examples to evaluate in a batch: 250, or as many as there are, or fewer where a layer of so many would take more
 * than 512 MiB. That is 97 for Inception V3 on 299×299, and 250 for the paper's networks on CIFAR-10. Two batches at once
 * where two have room there: what one does on a single core, the other fills.
 *
 * @param examples In the larger of the splits.
 */
export function evalBatches(model: Model, examples: number): EvalBatches {
  const fitting = Math.floor(LAYER_BYTES / (FLOAT_BYTES * largestLayer(model)));
  const evalBatchSize = Math.max(1, Math.min(EVAL_BATCH, examples, fitting));
  return { evalBatchSize, evalAtOnce: 2 * evalBatchSize <= fitting ? 2 : 1 };
}

/** Numbers of one example in the largest layer, the image itself among them. */
function largestLayer(model: Model): number {
  const still = { momentum: 0, weightDecay: 0, dropout: 0 };
  const program = makeProgram({ model, batchSize: 1, evalBatchSize: 1, ...still });
  const convolved = traceEval(program).nodes.filter(({ op }) => op === 'conv2d');
  return Math.max(
    ...[model.inputShape, ...convolved.map((node) => node.outputs[0]!.shape)].map(sizeOf),
  );
}
