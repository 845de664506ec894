import type { DType } from '../../trace/graph.js';
import type { ElementType } from '../pjrt/layout.js';

/** A value in StableHLO text. */
export interface Ref {
  readonly id: string;
  readonly shape: readonly number[];
  readonly type: ElementType;
}

const ELEMENT_TYPES: Record<DType, ElementType> = {
  float32: 'f32',
  bfloat16: 'bf16',
  int32: 'i32',
  uint8: 'ui8',
  bool: 'i1',
};

export function elementType(dtype: DType): ElementType {
  return ELEMENT_TYPES[dtype];
}

/** `tensor<2x3xf32>`. */
export function tensorType(shape: readonly number[], type: ElementType): string {
  return `tensor<${[...shape, type].join('x')}>`;
}

/** The type of a value, as text. */
export function typeOf({ shape, type }: Ref): string {
  return tensorType(shape, type);
}

export const isFloat = (type: ElementType) => type === 'f32' || type === 'bf16';

export type Reducer = 'add' | 'maximum' | 'minimum' | 'and' | 'or';

/** What a reducer leaves unchanged. */
export function identityOf(op: Reducer, type: ElementType): number {
  if (op === 'add' || op === 'or') return 0;
  if (op === 'and') return 1;
  if (isFloat(type)) return op === 'maximum' ? -Infinity : Infinity;
  return op === 'maximum' ? -0x8000_0000 : 0x7fff_ffff;
}

/** Floats as bits, so that no digit is lost and infinities and NaN can be said. */
export function scalarLiteral(value: number, type: ElementType): string {
  if (type === 'i1') return value === 0 ? 'false' : 'true';
  if (!isFloat(type)) return String(Math.trunc(value));
  const bits = Buffer.alloc(4);
  bits.writeFloatBE(value);
  if (type === 'f32') return `0x${bits.toString('hex').toUpperCase()}`;
  // Round to the nearest bfloat16, ties to even.
  const word = bits.readUInt32BE(0);
  const rounded = Number.isNaN(value) ? 0x7fc0 : (word + 0x7fff + ((word >>> 16) & 1)) >>> 16;
  return `0x${rounded.toString(16).toUpperCase().padStart(4, '0')}`;
}
