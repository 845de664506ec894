import { nameOfBytes } from '../../disk/names.js';

/** A tar is made of blocks of this size. */
export const BLOCK = 512;

/** Bytes in whole blocks. */
export function padded(bytes: number): number {
  return Math.ceil(bytes / BLOCK) * BLOCK;
}

/** Octal digits, or, with the first bit set, a big-endian number as GNU writes it; NaN for anything else. */
export function number(bytes: Buffer, from: number, to: number): number {
  if ((bytes[from]! & 0x80) === 0) {
    const digits = bytes.toString('latin1', from, to).replace(/\0.*$/s, '').trim();
    if (digits === '') return bytes[from] === 0 ? 0 : Number.NaN;
    return /^[0-7]+$/.test(digits) ? Number.parseInt(digits, 8) : Number.NaN;
  }
  let value = bytes[from]! & 0x7f;
  for (let i = from + 1; i < to; i++) value = value * 256 + bytes[i]!;
  return value;
}

/** A name, up to the first zero. */
export function text(bytes: Buffer, from: number, to: number): string {
  const end = bytes.subarray(from, to).indexOf(0);
  return nameOfBytes(bytes.subarray(from, end < 0 ? to : from + end));
}

/** Whether the sum of a header's bytes is what it says; some old programs took them as signed. */
export function hasSum(header: Buffer): boolean {
  const expected = number(header, 148, 156);
  let sum = 8 * 0x20;
  for (let i = 0; i < 148; i++) sum += header[i]!;
  for (let i = 156; i < BLOCK; i++) sum += header[i]!;
  if (sum === expected) return true;
  let large = 0;
  for (let i = 0; i < BLOCK; i++) if ((i < 148 || i >= 156) && header[i]! > 127) large++;
  return sum - 256 * large === expected;
}

/** Whether there is nothing else in it. */
export function isZero(block: Buffer): boolean {
  for (let i = 0; i < block.length; i++) if (block[i] !== 0) return false;
  return true;
}
