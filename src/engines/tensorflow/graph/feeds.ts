import { sizeOf } from '../../trace/graph.js';
import { attribute } from './graph-def.js';
import type { LowerContext, Ref } from './lower/context.js';

/** Words of four bytes that hold `bytes` bytes. */
export function wordsFor(bytes: number): number {
  return Math.ceil(bytes / 4);
}

/**
 * Bytes fed to a node `name` as int32, four to a word: tfjs has no byte tensors, and this costs no conversion.
 *
 * @param shape of the bytes, uint8
 */
export function packedBytes(context: LowerContext, name: string, shape: readonly number[]): Ref {
  const bytes = sizeOf(shape);
  const words = wordsFor(bytes);
  const fed = context.placeholder(name, { shape: [words], dtype: 'int32' });
  const attributes = { T: attribute.type('int32'), type: attribute.type('uint8') };
  const type = { shape: [words, 4], dtype: 'uint8' } as const;
  const unpacked = context.node('Bitcast', [fed], attributes, type);
  const flat = context.reshape(unpacked, [words * 4]);
  const exact = bytes === words * 4 ? flat : context.slice(flat, [0], [bytes]);
  return context.reshape(exact, shape);
}

/** Part `index` of what has a leading axis of steps. */
export function stepOf(context: LowerContext, x: Ref, index: number): Ref {
  const [steps, ...shape] = x.shape;
  if (steps === 1) return context.reshape(x, shape);
  const begin = [index, ...shape.map(() => 0)];
  return context.reshape(context.slice(x, begin, [1, ...shape]), shape);
}
