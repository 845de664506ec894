import * as tf from '@tensorflow/tfjs-core';
import { sizeOf } from '../../../shape.js';
import { graphType, type TraceBackend } from '../backend.js';
import type { Value } from '../graph.js';
import { record } from './register.js';

/** Kernels that move elements or make constants. */
export function registerShape(backend: TraceBackend): void {
  record<{ shape: number[] }>(backend, tf.Reshape, ({ builder, value }, { shape }) => {
    const x = value('x');
    return builder.reshape(x, tf.util.inferFromImplicitShape(shape, sizeOf(x.shape)));
  });
  record<{ dim: number }>(backend, tf.ExpandDims, ({ builder, value }, { dim }) => {
    const x = value('input');
    const shape = [...x.shape];
    shape.splice(dim < 0 ? shape.length + 1 + dim : dim, 0, 1);
    return builder.reshape(x, shape);
  });
  record<{ perm: number[] }>(backend, tf.Transpose, ({ builder, value }, { perm }) =>
    builder.emit('transpose', [value('x')], { permutation: perm }),
  );
  record<{ axis: number }>(backend, tf.Concat, (context, { axis }) =>
    concat(operands(context), axis, context.builder),
  );
  record<{ axis: number }>(backend, tf.Pack, (context, { axis }) => {
    const values = operands(context);
    const at = axis < 0 ? axis + values[0]!.shape.length + 1 : axis;
    const expanded = values.map((x) =>
      context.builder.reshape(x, [...x.shape.slice(0, at), 1, ...x.shape.slice(at)]),
    );
    return concat(expanded, at, context.builder);
  });
  record<{ numOrSizeSplits: number | number[]; axis: number }>(
    backend,
    tf.SplitV,
    ({ builder, value, inputs }, { numOrSizeSplits, axis }) => {
      const x = value('x');
      const at = tf.util.parseAxisParam(axis, [...x.shape])[0]!;
      const tensor = inputs.x as tf.Tensor;
      const sizes = tf.backend_util.prepareSplitSize(tensor, numOrSizeSplits, at);
      return builder.emitAll('split', [x], { axis: at, sizes });
    },
  );
  record<{ begin: number[]; size: number[] }>(
    backend,
    tf.Slice,
    ({ builder, value, inputs }, { begin, size }) => {
      const x = value('x');
      const [start, shape] = tf.slice_util.parseSliceParams(inputs.x!, begin, size);
      return builder.typed('slice', [x], { begin: start! }, { shape: shape!, dtype: x.dtype });
    },
  );
  record<{ paddings: [number, number][]; constantValue: number }>(
    backend,
    tf.PadV2,
    ({ builder, value }, { paddings, constantValue }) =>
      builder.emit('pad', [value('x')], { paddings, value: constantValue }),
  );
  registerConstants(backend);
}

function registerConstants(backend: TraceBackend): void {
  record<{ shape: number[]; value: number; dtype?: tf.DataType }>(
    backend,
    tf.Fill,
    ({ builder }, { shape, value, dtype }) =>
      builder.splat(value, { shape, dtype: graphType(dtype ?? 'float32') }),
  );
  record(backend, tf.ZerosLike, ({ builder, value }) => builder.splat(0, value('x')));
  record(backend, tf.OnesLike, ({ builder, value }) => builder.splat(1, value('x')));
  record<{ depth: number; onValue: number; offValue: number; dtype?: tf.DataType }>(
    backend,
    tf.OneHot,
    ({ builder, value }, { depth, onValue, offValue, dtype }) => {
      const attrs = { depth, on: onValue, off: offValue };
      const result = builder.emit('oneHot', [value('indices')], attrs);
      return builder.cast(result, graphType(dtype ?? 'int32'));
    },
  );
}

type Context = Parameters<Parameters<typeof record>[2]>[0];

/** The operands of a kernel that takes a list, in its order. */
function operands({ inputs, value }: Context): Value[] {
  return Object.keys(inputs).map(value);
}

function concat(values: Value[], axis: number, builder: Context['builder']): Value {
  if (values.length === 1) return values[0]!;
  const at = axis < 0 ? axis + values[0]!.shape.length : axis;
  return builder.emit('concat', values, { axis: at });
}
