import type { Random } from '../random.js';

/**
 * Fills a dropout mask: each byte is 1 with probability `keep`, else 0.
 *
 * One byte of randomness decides all but one unit in 256; only where it equals the first byte of the probability are 32
 * more bits drawn. A quarter of the random numbers, and the probability is exact to 2⁻⁴⁰.
 *
 * @param keep Above 0, at most 1.
 */
export function fillMask(random: Random, keep: number, out: Uint8Array): void {
  const first = Math.floor(keep * 256);
  const rest = (keep * 256 - first) * 0x1_0000_0000;
  let bytes = 0;
  for (let i = 0; i < out.length; i++) {
    bytes = (i & 3) === 0 ? random.uint32() : bytes >>> 8;
    const byte = bytes & 0xff;
    // The sign of the difference, not a comparison: a branch on a coin toss is mispredicted half the time.
    out[i] = (byte - first) >>> 31;
    if (byte === first && random.uint32() < rest) out[i] = 1;
  }
}
