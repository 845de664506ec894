import { RethinkError } from '../../errors.js';
import { grouped } from '../../text.js';

/** What the elements of an array are: NumPy's letter of a kind, bytes of each, and how bytes are ordered. */
export interface Dtype {
  kind: 'b' | 'u' | 'i' | 'f' | 'S' | 'U';
  /** Bytes of an element; of `U` four for each character. */
  bytes: number;
  bigEndian: boolean;
}

/** An array as NumPy stores it. */
export interface NdArray {
  dtype: Dtype;
  shape: number[];
  /** Whether the first axis runs fastest in `data`. */
  fortran: boolean;
  /** Bytes of all elements. */
  data: Uint8Array;
}

/** Bytes of an element of each kind that can be read: half floats and 128-bit floats can't. */
const BYTES: Record<Dtype['kind'], (bytes: number) => boolean> = {
  b: (bytes) => bytes === 1,
  u: isPowerUpTo8,
  i: isPowerUpTo8,
  f: (bytes) => bytes === 4 || bytes === 8,
  // An array of empty texts would have any length in no bytes.
  S: (bytes) => bytes > 0,
  U: (bytes) => bytes > 0 && bytes % 4 === 0,
};

function isPowerUpTo8(bytes: number): boolean {
  return [1, 2, 4, 8].includes(bytes);
}

/**
 * The type that a description like `<i8`, `|u1` or `<U10` means; without a first sign bytes are little-endian.
 *
 * @returns `undefined` for what can't be read: objects, complex numbers, dates, structures.
 */
export function parseDtype(descr: string): Dtype | undefined {
  const [, order, letter, digits] = /^([<>|=]?)([buifSU])(\d{1,9})$/.exec(descr) ?? [];
  if (letter === undefined) return undefined;
  const kind = letter as Dtype['kind'];
  const bytes = Number(digits) * (kind === 'U' ? 4 : 1);
  return BYTES[kind](bytes) ? { kind, bytes, bigEndian: order === '>' } : undefined;
}

/** A type as NumPy writes it: `<i8`. */
export function describeDtype({ kind, bytes, bigEndian }: Dtype): string {
  const order = bytes === 1 || kind === 'S' ? '|' : bigEndian ? '>' : '<';
  return `${order}${kind}${kind === 'U' ? bytes / 4 : bytes}`;
}

/** How many elements a shape has. */
export function elements(shape: readonly number[]): number {
  return shape.reduce((product, n) => product * n, 1);
}

/** @throws RethinkError (`data`) where the bytes aren't as many as the shape says. */
export function checkArray({ dtype, shape, data }: NdArray, where: string): void {
  const whole = shape.every((n) => Number.isSafeInteger(n) && n >= 0);
  const expected = elements(shape) * dtype.bytes;
  if (whole && expected === data.byteLength) return;
  throw new RethinkError(
    'data',
    `${where} is damaged: an array of shape (${shape.join(', ')}) of ${describeDtype(dtype)} has ${grouped(data.byteLength)} bytes.`,
  );
}

/**
 * The elements of an array in row-major order, [elements]: numbers (booleans are 0 and 1), or text.
 *
 * @throws RethinkError (`data`) for a whole number that isn't exact here: beyond 2⁵³.
 */
export function valuesOf(array: NdArray, where: string): number[] | string[] {
  const { dtype, data } = array;
  const view = new DataView(data.buffer, data.byteOffset, data.byteLength);
  const read = readerOf(dtype, view, where);
  return rowMajor(array, (i) => read(i * dtype.bytes)) as number[] | string[];
}

/** The bytes of an array of one-byte elements in row-major order. Not a copy where they are so already. */
export function bytesOf(array: NdArray): Uint8Array {
  const { data, fortran, shape } = array;
  if (!fortran || shape.length < 2) return data;
  return Uint8Array.from(rowMajor(array, (i) => data[i]!));
}

/** Elements read one by one, first axis slowest. */
function rowMajor<T>({ shape, fortran }: NdArray, read: (position: number) => T): T[] {
  const count = elements(shape);
  if (!fortran || shape.length < 2) return Array.from({ length: count }, (_, i) => read(i));
  const strides = shape.map((_, axis) => elements(shape.slice(0, axis)));
  return Array.from({ length: count }, (_, i) => {
    let rest = i;
    let position = 0;
    for (let axis = shape.length - 1; axis >= 0; axis--) {
      position += (rest % shape[axis]!) * strides[axis]!;
      rest = Math.floor(rest / shape[axis]!);
    }
    return read(position);
  });
}

function readerOf(
  { kind, bytes, bigEndian }: Dtype,
  view: DataView,
  where: string,
): (offset: number) => number | string {
  const little = !bigEndian;
  const text = (offset: number, unit: number, codeAt: (at: number) => number) => {
    let end = offset + bytes;
    while (end > offset && codeAt(end - unit) === 0) end -= unit;
    let value = '';
    for (let at = offset; at < end; at += unit) {
      const code = codeAt(at);
      if (code > 0x10ffff) {
        throw new RethinkError('data', `${where} is damaged: it holds what is no character.`);
      }
      value += String.fromCodePoint(code);
    }
    return value;
  };
  const exact = (value: bigint) => {
    const number = Number(value);
    if (Number.isSafeInteger(number)) return number;
    throw new RethinkError('data', `${where} holds ${value}, which is too large to be exact.`);
  };
  const readers: Record<string, (offset: number) => number | string> = {
    b1: (at) => (view.getUint8(at) === 0 ? 0 : 1),
    u1: (at) => view.getUint8(at),
    u2: (at) => view.getUint16(at, little),
    u4: (at) => view.getUint32(at, little),
    u8: (at) => exact(view.getBigUint64(at, little)),
    i1: (at) => view.getInt8(at),
    i2: (at) => view.getInt16(at, little),
    i4: (at) => view.getInt32(at, little),
    i8: (at) => exact(view.getBigInt64(at, little)),
    f4: (at) => view.getFloat32(at, little),
    f8: (at) => view.getFloat64(at, little),
  };
  if (kind === 'S') return (offset) => text(offset, 1, (at) => view.getUint8(at));
  if (kind === 'U') return (offset) => text(offset, 4, (at) => view.getUint32(at, little));
  return readers[`${kind}${bytes}`]!;
}
