import type { DType, Op, OpAttributes, ValueType } from '../graph.js';

/** Types of a node's results from its operands' types and its attributes; throws where they don't fit. */
export type Rule<K extends Op> = (
  inputs: readonly ValueType[],
  attrs: OpAttributes[K],
) => ValueType[];

export function check(condition: boolean, message: string): asserts condition {
  if (!condition) throw new Error(message);
}

export function operand(inputs: readonly ValueType[], i: number): ValueType {
  const value = inputs[i];
  check(value !== undefined, `operand ${i} is missing`);
  return value;
}

/** A value is a node's, too: only its type must go on. */
export const plain = ({ shape, dtype }: ValueType): ValueType => ({ shape, dtype });

/** A result like the first operand. */
export const first: Rule<Op> = (inputs) => [plain(operand(inputs, 0))];

/** The one dtype of all operands. */
export function sameDType(inputs: readonly ValueType[]): DType {
  const { dtype } = operand(inputs, 0);
  check(
    inputs.every((input) => input.dtype === dtype),
    'operands differ in dtype',
  );
  return dtype;
}

/** NumPy broadcasting of two shapes. */
export function broadcastShapes(a: readonly number[], b: readonly number[]): number[] {
  const rank = Math.max(a.length, b.length);
  return Array.from({ length: rank }, (_, i) => {
    const x = a[a.length - rank + i] ?? 1;
    const y = b[b.length - rank + i] ?? 1;
    if (x !== y && x !== 1 && y !== 1) throw new Error(`shapes [${a}] and [${b}] do not fit`);
    return x === 1 ? y : x;
  });
}
