import type { LowerContext, Ref } from './lower/context.js';

/** Part `index` of what has a leading axis of steps. */
export function stepOf(context: LowerContext, x: Ref, index: number): Ref {
  const [steps, ...shape] = x.shape;
  if (steps === 1) return context.reshape(x, shape);
  const begin = [index, ...shape.map(() => 0)];
  return context.reshape(context.slice(x, begin, [1, ...shape]), shape);
}
