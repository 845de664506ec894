import { each, REDUCE } from '../../trace/names.js';
import { type Emitter, reducedCount } from './emitter.js';
import { gatherRows, replaceRows } from './rows.js';
import { isFloat, type Reducer, type Ref } from './text.js';
import type { Lower, Lowerings } from './types.js';

/** Sum in float32, whatever the operand: a bfloat16 running sum stops growing after 256 ones. */
export function sum(e: Emitter, x: Ref, axes: readonly number[]): Ref {
  return e.reduce('add', isFloat(x.type) ? e.convert(x, 'f32') : x, axes);
}

function reduction(reducer: Reducer, op: keyof typeof REDUCE): Lower<keyof typeof REDUCE> {
  return ({ e, inputs: [x], attrs: { axes }, outputs: [out] }) => {
    let result = reducer === 'add' ? sum(e, x!, axes) : e.reduce(reducer, x!, axes);
    if (op === 'mean')
      result = e.divide(result, e.scalar(reducedCount(x!.shape, axes), result.type));
    return [e.reshape(e.convert(result, out!.type), out!.shape)];
  };
}

const axesBut = (rank: number, kept: number) =>
  Array.from({ length: rank }, (_, i) => i).filter((i) => i !== kept);

/** Movement of elements, and reductions. */
export const SHAPE: Lowerings = {
  ...each(REDUCE, ([, reducer], op) => reduction(reducer, op)),
  l2Loss: ({ e, inputs: [x], outputs: [out] }) => {
    const wide = e.convert(x!, 'f32');
    const total = sum(e, e.multiply(wide, wide), [...x!.shape.keys()]);
    return [e.convert(e.scale(total, 0.5), out!.type)];
  },
  biasAdd: ({ e, inputs: [x, bias] }) => [e.add(x!, bias!)],
  biasAddGrad: ({ e, inputs: [dy], outputs: [out] }) => {
    const rank = dy!.shape.length;
    return [e.convert(sum(e, dy!, axesBut(rank, rank - 1)), out!.type)];
  },
  reshape: ({ e, inputs: [x], outputs: [out] }) => [e.reshape(x!, out!.shape)],
  broadcast: ({ e, inputs: [x], outputs: [out] }) => [e.broadcastTo(x!, out!.shape)],
  transpose: ({ e, inputs: [x], attrs }) => [e.transpose(x!, attrs.permutation)],
  concat: ({ e, inputs, attrs }) => [e.concat(inputs, attrs.axis)],
  split: ({ e, inputs: [x], attrs: { axis, sizes } }) => {
    let start = 0;
    return sizes.map((size) => {
      const low = x!.shape.map((_, i) => (i === axis ? start : 0));
      start += size;
      return e.slice(x!, low, x!.shape.with(axis, size));
    });
  },
  slice: ({ e, inputs: [x], attrs, outputs: [out] }) => [e.slice(x!, attrs.begin, out!.shape)],
  pad: ({ e, inputs: [x], attrs }) => [e.pad(x!, attrs.value, attrs.paddings)],
  oneHot: ({ e, inputs: [indices], attrs, outputs: [out] }) => {
    const matches = oneHotMask(e, indices!, attrs.depth);
    return [e.select(matches, e.scalar(attrs.on, out!.type), e.scalar(attrs.off, out!.type))];
  },
  gather: ({ e, inputs: [x, indices] }) => [gatherRows(e, x!, indices!)],
  replaceRows: ({ e, inputs: [x, indices, rows] }) => [replaceRows(e, x!, indices!, rows!)],
  argMax: ({ e, inputs: [x], attrs: { axis } }) => [argMax(e, x!, axis)],
};

/** [..., depth] booleans, true where the last axis's position equals the index. */
export function oneHotMask(e: Emitter, indices: Ref, depth: number): Ref {
  const shape = [...indices.shape, depth];
  const positions = e.iota(indices.shape.length, shape);
  return e.compare('EQ', e.broadcastAxes(indices, shape), positions);
}

/** First index of the greatest element; 0 where an element is NaN. */
function argMax(e: Emitter, x: Ref, axis: number): Ref {
  const size = x.shape[axis]!;
  const kept = axesBut(x.shape.length, axis);
  const greatest = e.broadcastAxes(e.reduce('maximum', x, [axis]), x.shape, kept);
  const candidates = e.select(
    e.compare('EQ', x, greatest),
    e.iota(axis, x.shape),
    e.scalar(size, 'i32'),
  );
  const first = e.reduce('minimum', candidates, [axis]);
  return e.select(e.compare('LT', first, e.scalar(size, 'i32')), first, e.scalar(0, 'i32'));
}
