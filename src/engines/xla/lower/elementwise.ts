import { sizeOf } from '../../../shape.js';
import type { Op } from '../../trace/graph.js';
import { BINARY, COMPARISON, each, LOGICAL, UNARY } from '../../trace/names.js';
import type { Direction, Emitter } from './emitter.js';
import { isFloat, type Ref } from './text.js';
import type { Lower, Lowerings } from './types.js';

function zero(e: Emitter, like: Ref): Ref {
  return e.scalar(0, like.type);
}

const direct =
  (name: string): Lower<Op> =>
  ({ e, inputs: [a, b] }) => [b === undefined ? e.unary(name, a!) : e.binary(name, a!, b)];

const comparison =
  (direction: Direction): Lower<Op> =>
  ({ e, inputs: [a, b] }) => [e.compare(direction, a!, b!)];

/** One reduction over all elements, laid end to end: many small ones take a GPU longer to start than to compute. */
function allFinite(e: Emitter, arrays: readonly Ref[]): Ref {
  const rows = arrays.map((x) => {
    // Filters in the order in which a GPU's convolution writes their gradients, so that none is copied for this.
    const ordered = x.shape.length === 4 ? e.transpose(x, [3, 0, 1, 2]) : x;
    return e.reshape(ordered, [sizeOf(x.shape)]);
  });
  const row = e.concat(rows, 0);
  return e.reduce('and', e.op('is_finite', [row], '', row.shape, 'i1'), [0]);
}

/** Arithmetic, comparisons, casts and constants. */
export const ELEMENTWISE: Lowerings = {
  // Those without a name are below.
  ...each({ ...UNARY, ...BINARY, ...LOGICAL }, ([, name = '']) => direct(name)),
  ...each(COMPARISON, ([, direction]) => comparison(direction)),
  constant: ({ e, attrs, outputs: [out] }) => [e.constant(attrs.data, out!.shape, out!.type)],
  splat: ({ e, attrs, outputs: [out] }) => [e.splat(attrs.value, out!.shape, out!.type)],
  square: ({ e, inputs: [x] }) => [e.multiply(x!, x!)],
  squaredDifference: ({ e, inputs: [a, b] }) => {
    const difference = e.subtract(a!, b!);
    return [e.multiply(difference, difference)];
  },
  reciprocal: ({ e, inputs: [x] }) => [e.divide(e.scalar(1, x!.type), x!)],
  relu: ({ e, inputs: [x] }) => [e.binary('maximum', x!, zero(e, x!))],
  reluGrad: ({ e, inputs: [dy, features] }) => [
    e.select(e.compare('GT', features!, zero(e, features!)), dy!, zero(e, dy!)),
  ],
  softplus: ({ e, inputs: [x] }) => {
    // log(1 + eˣ) without overflow.
    const tail = e.unary(
      'log_plus_one',
      e.unary('exponential', e.unary('negate', e.unary('abs', x!))),
    );
    return [e.add(e.binary('maximum', x!, zero(e, x!)), tail)];
  },
  step: ({ e, inputs: [x], attrs }) => {
    const one = e.scalar(1, x!.type);
    const stepped = e.select(e.compare('GT', x!, zero(e, x!)), one, e.scalar(attrs.alpha, x!.type));
    return [isFloat(x!.type) ? e.select(e.compare('NE', x!, x!), x!, stepped) : stepped];
  },
  cast: ({ e, inputs: [x], outputs: [out] }) => [
    out!.type === 'i1' ? e.compare('NE', x!, zero(e, x!)) : e.convert(x!, out!.type),
  ],
  isFinite: ({ e, inputs: [x] }) => {
    if (!isFloat(x!.type)) return [e.splat(1, x!.shape, 'i1')];
    return [e.op('is_finite', [x!], '', x!.shape, 'i1')];
  },
  allFinite: ({ e, inputs }) => [allFinite(e, inputs)],
  isNaN: ({ e, inputs: [x] }) => [e.compare('NE', x!, x!)],
  select: ({ e, inputs: [condition, a, b] }) => [e.select(condition!, a!, b!)],
  applyMomentum: ({ e, inputs: [p, v, g, learningRate], attrs }) => {
    const velocity = e.add(e.scale(v!, attrs.momentum), g!);
    return [e.subtract(p!, e.multiply(velocity, learningRate!)), velocity];
  },
};
