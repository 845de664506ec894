import { sameShape } from '../../../trace/graph.js';
import { each, REDUCE } from '../../../trace/names.js';
import { attribute } from '../graph-def.js';
import { type Lowering, type Lowerings, resultOf, typeOf } from './context.js';

const INT32 = attribute.type('int32');

const reduction =
  (name: string): Lowering<keyof typeof REDUCE> =>
  (context, [x], node) => {
    const { axes, keepDims } = node.attrs;
    // What takes bools takes nothing else.
    const T = x!.dtype === 'bool' ? {} : typeOf(x!);
    const attributes = { ...T, Tidx: INT32, keep_dims: attribute.bool(keepDims) };
    return [context.node(name, [x!, context.integers(axes)], attributes, resultOf(node))];
  };

/** What moves, makes and gathers elements. */
export const SHAPE: Lowerings = {
  constant: (context, _, node) => [context.constant(node.attrs.data, resultOf(node))],
  splat: (context, _, node) => [context.splat(node.attrs.value, resultOf(node))],
  reshape: (context, [x], node) => [context.reshape(x!, resultOf(node).shape)],
  broadcast: (context, [x], node) => {
    const type = resultOf(node);
    if (sameShape(x!.shape, type.shape)) return [x!];
    const operands = [x!, context.integers(type.shape)];
    return [context.node('BroadcastTo', operands, { ...typeOf(x!), Tidx: INT32 }, type)];
  },
  transpose: (context, [x], node) => {
    const operands = [x!, context.integers(node.attrs.permutation)];
    return [context.node('Transpose', operands, { ...typeOf(x!), Tperm: INT32 }, resultOf(node))];
  },
  concat: (context, inputs, node) => [context.concat(inputs, node.attrs.axis)],
  split: (context, [x], { attrs: { axis, sizes } }) => context.split(x!, axis, sizes),
  slice: (context, [x], node) => [context.slice(x!, node.attrs.begin, resultOf(node).shape)],
  pad: (context, [x], node) => {
    const { paddings, value } = node.attrs;
    const amounts = context.constant(Int32Array.from(paddings.flat()), {
      shape: [paddings.length, 2],
      dtype: 'int32',
    });
    const operands = [x!, amounts, context.scalar(value, x!.dtype)];
    return [context.node('PadV2', operands, { ...typeOf(x!), Tpaddings: INT32 }, resultOf(node))];
  },
  oneHot: (context, [indices], node) => {
    const { depth, on, off } = node.attrs;
    const type = resultOf(node);
    const operands = [
      indices!,
      context.scalar(depth, 'int32'),
      context.scalar(on, type.dtype),
      context.scalar(off, type.dtype),
    ];
    const attributes = { ...typeOf(type), TI: INT32, axis: attribute.integer(-1) };
    return [context.node('OneHot', operands, attributes, type)];
  },
  gather: (context, [x, indices], node) => {
    const attributes = {
      Tparams: attribute.type(x!.dtype),
      Tindices: INT32,
      Taxis: INT32,
      batch_dims: attribute.integer(0),
    };
    const operands = [x!, indices!, context.scalar(0, 'int32')];
    return [context.node('GatherV2', operands, attributes, resultOf(node))];
  },
  replaceRows: (context, [x, indices, rows], node) => {
    const operands = [x!, context.reshape(indices!, [...indices!.shape, 1]), rows!];
    const attributes = { ...typeOf(x!), Tindices: INT32 };
    return [context.node('TensorScatterUpdate', operands, attributes, resultOf(node))];
  },
  argMax: (context, [x], node) => {
    const attributes = { ...typeOf(x!), Tidx: INT32, output_type: INT32 };
    const operands = [x!, context.scalar(node.attrs.axis, 'int32')];
    return [context.node('ArgMax', operands, attributes, resultOf(node))];
  },
  ...each(REDUCE, ([name]) => reduction(name)),
};
