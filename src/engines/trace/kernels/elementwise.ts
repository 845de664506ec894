import * as tf from '@tensorflow/tfjs-core';
import { graphType } from '../backend.js';
import { BINARY, COMPARISON, each, LOGICAL, REDUCE, UNARY } from '../names.js';
import { record } from './register.js';

/** Arithmetic, comparisons, logic, conversions, and reductions with what is made of them: argmax and the softmaxes. */

/** What tfjs computes of integers as well; all else it computes of floats. */
const OF_INTEGERS: ReadonlySet<string> = new Set(['abs', 'negate', 'relu', 'square']);

each(UNARY, ([kernel], op) =>
  record(kernel, ({ builder, value, float }) =>
    builder.apply(op, OF_INTEGERS.has(op) ? value('x') : float('x')),
  ),
);
each({ ...BINARY, ...COMPARISON }, ([kernel], op) =>
  record(kernel, ({ builder, pair }) => builder.apply(op, ...pair('a', 'b'))),
);
each(LOGICAL, ([kernel], op) =>
  record(kernel, ({ builder, inputs, values }) =>
    builder.apply(op, ...values(...('b' in inputs ? ['a', 'b'] : ['x']))),
  ),
);
record(tf.IsFinite, ({ builder, float }) => builder.apply('isFinite', float('x')));
record(tf.IsNan, ({ builder, float }) => builder.apply('isNaN', float('x')));
record<{ alpha?: number }>(tf.Step, ({ builder, value }, { alpha = 0 }) =>
  builder.emit('step', [value('x')], { alpha }),
);
record(tf.Select, ({ builder, value, pair }) =>
  builder.apply('select', value('condition'), ...pair('t', 'e')),
);
record(tf.Identity, ({ value }) => value('x'));
record<tf.CastAttrs>(tf.Cast, ({ builder, value }, { dtype }) =>
  builder.cast(value('x'), graphType(dtype)),
);

interface ReduceKernelAttributes {
  axis?: number | number[];
  /** tfjs' name for the axes of `max`. */
  reductionIndices?: number | number[];
  keepDims?: boolean;
}

each(REDUCE, ([kernel], op) =>
  record<ReduceKernelAttributes>(kernel, ({ builder, value, float }, attrs) => {
    const x = op === 'mean' ? float('x') : value('x');
    const given = attrs.axis ?? attrs.reductionIndices ?? null;
    const axes = tf.util.parseAxisParam(given as number[], [...x.shape]);
    const ascending = [...axes].sort((a, b) => a - b);
    return builder.emit(op, [x], { axes: ascending, keepDims: attrs.keepDims ?? false });
  }),
);
record<tf.ArgMaxAttrs>(tf.ArgMax, ({ builder, value }, { axis }) => {
  const x = value('x');
  return builder.emit('argMax', [x], { axis: tf.util.parseAxisParam(axis, [...x.shape])[0]! });
});
record(tf.Softmax, ({ builder, value }) => builder.apply('softmax', value('logits')));
record(tf.LogSoftmax, ({ builder, value }) => builder.apply('logSoftmax', value('logits')));
