import * as tf from '@tensorflow/tfjs-core';
import { sizeOf } from '../../../shape.js';
import { graphType } from '../backend.js';
import type { GraphBuilder } from '../builder.js';
import type { Value } from '../graph.js';
import { type KernelContext, record } from './register.js';

/** Kernels that move elements or make constants. */

record<{ shape: number[] }>(tf.Reshape, ({ builder, value }, { shape }) => {
  const x = value('x');
  return builder.reshape(x, tf.util.inferFromImplicitShape(shape, sizeOf(x.shape)));
});
record<tf.ExpandDimsAttrs>(tf.ExpandDims, ({ builder, value }, { dim }) => {
  const x = value('input');
  return builder.reshape(x, withOne(x.shape, dim));
});
record<tf.TransposeAttrs>(tf.Transpose, ({ builder, value }, { perm }) =>
  builder.emit('transpose', [value('x')], { permutation: perm }),
);
record<tf.ConcatAttrs>(tf.Concat, (context, { axis }) =>
  concat(operands(context), axis, context.builder),
);
record<tf.PackAttrs>(tf.Pack, (context, { axis }) => {
  const values = operands(context);
  const at = axis < 0 ? axis + values[0]!.shape.length + 1 : axis;
  const expanded = values.map((x) => context.builder.reshape(x, withOne(x.shape, at)));
  return concat(expanded, at, context.builder);
});
record<tf.SplitVAttrs>(tf.SplitV, ({ builder, value, inputs }, { numOrSizeSplits, axis }) => {
  const x = value('x');
  const at = tf.util.parseAxisParam(axis, [...x.shape])[0]!;
  const tensor = inputs.x as tf.Tensor;
  const sizes = tf.backend_util.prepareSplitSize(tensor, numOrSizeSplits, at);
  return builder.emitAll('split', [x], { axis: at, sizes });
});
record<tf.SliceAttrs>(tf.Slice, ({ builder, value, inputs }, { begin, size }) => {
  const x = value('x');
  const [start, shape] = tf.slice_util.parseSliceParams(inputs.x!, begin, size);
  return builder.typed('slice', [x], { begin: start! }, { shape: shape!, dtype: x.dtype });
});
record<tf.PadV2Attrs>(tf.PadV2, ({ builder, value }, { paddings, constantValue }) =>
  builder.emit('pad', [value('x')], { paddings, value: constantValue }),
);

record<{ shape: number[]; value: number; dtype?: tf.DataType }>(
  tf.Fill,
  ({ builder }, { shape, value, dtype }) =>
    builder.splat(value, { shape, dtype: graphType(dtype ?? 'float32') }),
);
record(tf.ZerosLike, ({ builder, value }) => builder.splat(0, value('x')));
record(tf.OnesLike, ({ builder, value }) => builder.splat(1, value('x')));
record<tf.OneHotAttrs>(tf.OneHot, ({ builder, value }, { depth, onValue, offValue, dtype }) => {
  const attrs = { depth, on: onValue, off: offValue };
  const result = builder.emit('oneHot', [value('indices')], attrs);
  return builder.cast(result, graphType(dtype ?? 'int32'));
});

record<tf.GatherV2Attrs>(tf.GatherV2, ({ builder, value }, { axis, batchDims }) => {
  if (axis !== 0 || batchDims !== 0) throw new Error(`gather along axis ${axis} of each example`);
  return builder.apply('gather', value('x'), value('indices'));
});
record(tf.TensorScatterUpdate, ({ builder, value }) => {
  // One index into the first axis for each row, as [b, 1].
  const indices = value('indices');
  const rows = builder.reshape(indices, indices.shape.slice(0, 1));
  return builder.apply('replaceRows', value('tensor'), rows, value('updates'));
});

/** `shape` with an axis of size 1, counted in the result's. */
function withOne(shape: readonly number[], axis: number): number[] {
  return shape.toSpliced(axis < 0 ? shape.length + 1 + axis : axis, 0, 1);
}

/** The operands of a kernel that takes a list, in its order. */
function operands({ inputs, value }: KernelContext): Value[] {
  return Object.keys(inputs).map(value);
}

function concat(values: Value[], axis: number, builder: GraphBuilder): Value {
  if (values.length === 1) return values[0]!;
  const at = axis < 0 ? axis + values[0]!.shape.length : axis;
  return builder.emit('concat', values, { axis: at });
}
