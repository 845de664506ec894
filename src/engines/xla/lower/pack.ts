import { sizeOf } from '../../../shape.js';
import type { ElementType } from '../pjrt/layout.js';
import type { Emitter } from './emitter.js';
import { type Ref, typeOf } from './text.js';

/** Arrays of one type, each in a row, end to end: [all elements]. */
export function endToEnd(e: Emitter, arrays: readonly Ref[]): Ref {
  return e.concat(
    arrays.map((x) => e.reshape(x, [sizeOf(x.shape)])),
    0,
  );
}

/** The arrays of these shapes that lie end to end. */
export function cutApart(e: Emitter, row: Ref, shapes: readonly (readonly number[])[]): Ref[] {
  let start = 0;
  return shapes.map((shape) => {
    const size = sizeOf(shape);
    const part = e.slice(row, [start], [size]);
    start += size;
    return e.reshape(part, shape);
  });
}

/** The bits of arrays of one shape, one array after the other: [arrays, ...shape] of i32. */
export function stackBits(e: Emitter, arrays: readonly Ref[]): Ref {
  return e.concat(
    arrays.map((x) => e.reshape(bitsOf(e, x), [1, ...x.shape])),
    0,
  );
}

/** Arrays of these types out of the bits of many of them: [many, arrays, ...shape] → [many, ...shape] each. */
export function unstackBits(e: Emitter, stack: Ref, types: readonly ElementType[]): Ref[] {
  const [many, , ...shape] = stack.shape as [number, number, ...number[]];
  return types.map((type, i) => {
    const bits = e.slice(stack, [0, i, ...shape.map(() => 0)], [many, 1, ...shape]);
    return fromBits(e, e.reshape(bits, [many, ...shape]), type);
  });
}

function bitsOf(e: Emitter, x: Ref): Ref {
  return x.type === 'f32' ? e.op('bitcast_convert', [x], '', x.shape, 'i32') : e.convert(x, 'i32');
}

function fromBits(e: Emitter, bits: Ref, type: ElementType): Ref {
  if (type === 'f32') return e.op('bitcast_convert', [bits], '', bits.shape, type);
  if (type === 'i1') return e.compare('NE', bits, e.scalar(0, 'i32'));
  if (type === 'i32') return bits;
  throw new Error(`${typeOf(bits)} holds no ${type}`);
}
