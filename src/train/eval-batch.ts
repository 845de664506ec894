import { traceEval } from '../engines/trace/trace.js';
import type { Model } from '../models/types.js';
import { sizeOf } from '../shape.js';
import { makeProgram } from './program.js';

/** Examples evaluated at once: large enough to keep a device busy, small enough for its memory. */
export const EVAL_BATCH = 250;
/** What one layer may take of memory for a batch; an engine holds two or three layers at a time. */
const LAYER_BYTES = 512 * 1024 * 1024;
const FLOAT_BYTES = 4;

/**
 * How many examples to evaluate at once: 250, or as many as there are, or fewer where a layer of so many would take more
 * than 512 MiB. That is 97 for Inception V3 on 299×299, and 250 for the paper's networks on CIFAR-10.
 *
 * @param examples In the larger of the splits.
 */
export function evalBatchSize(model: Model, examples: number): number {
  const fitting = Math.floor(LAYER_BYTES / (FLOAT_BYTES * largestLayer(model)));
  return Math.max(1, Math.min(EVAL_BATCH, examples, fitting));
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
