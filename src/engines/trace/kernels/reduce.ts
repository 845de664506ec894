import * as tf from '@tensorflow/tfjs-core';
import type { TraceBackend } from '../backend.js';
import type { ReduceOp } from '../graph.js';
import { record } from './register.js';

interface ReduceKernelAttributes {
  axis?: number | number[];
  /** tfjs' name for the axes of `max`. */
  reductionIndices?: number | number[];
  keepDims?: boolean;
}

const REDUCTIONS: Record<string, ReduceOp> = {
  [tf.Sum]: 'sum',
  [tf.Mean]: 'mean',
  [tf.Max]: 'max',
  [tf.Min]: 'min',
  [tf.All]: 'all',
  [tf.Any]: 'any',
};

/** Reductions and what is made of them: argmax and the softmaxes. */
export function registerReductions(backend: TraceBackend): void {
  for (const [kernel, op] of Object.entries(REDUCTIONS)) {
    record<ReduceKernelAttributes>(backend, kernel, ({ builder, value }, attrs) => {
      const x = op === 'mean' ? builder.cast(value('x'), 'float32') : value('x');
      const given = attrs.axis ?? attrs.reductionIndices ?? null;
      const axes = tf.util.parseAxisParam(given as number[], [...x.shape]);
      const ascending = [...axes].sort((a, b) => a - b);
      return builder.emit(op, [x], { axes: ascending, keepDims: attrs.keepDims ?? false });
    });
  }
  record<{ axis: number }>(backend, tf.ArgMax, ({ builder, value }, { axis }) => {
    const x = value('x');
    return builder.emit('argMax', [x], { axis: tf.util.parseAxisParam(axis, [...x.shape])[0]! });
  });
  record(backend, tf.Softmax, ({ builder, value }) => builder.apply('softmax', value('logits')));
  record(backend, tf.LogSoftmax, ({ builder, value }) =>
    builder.apply('logSoftmax', value('logits')),
  );
}
