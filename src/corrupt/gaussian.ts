import type { ChannelStatistics } from '../data/types.js';

const TWO_32 = 0x1_0000_0000;
const GUIDE_BITS = 12;

/**
 * N(mean, variance) rounded and clipped to a byte, as a table that turns one uniform 32-bit number into one byte.
 *
 * Inversion of the distribution function is exact to 2⁻³² and, unlike Box–Muller, needs no logarithm or cosine for each
 * of the 154 million bytes of CIFAR-10.
 */
export interface ByteGaussian {
  /** [256]: 2³² times the probability of a byte ≤ b, as whole numbers. */
  cumulative: Float64Array;
  /** [4096]: the byte at which the search starts, by the number's upper 12 bits. */
  guide: Uint8Array;
}

/** @param mean In bytes (0…255). @param variance In squared bytes; 0 gives the rounded mean. */
export function byteGaussian(mean: number, variance: number): ByteGaussian {
  // A variance that was computed as a difference may be a hair below 0.
  const deviation = Math.sqrt(Math.max(0, variance));
  const cumulative = new Float64Array(256);
  for (let byte = 0; byte < 255; byte++) {
    // Rounded, so that a last bit of `exp` that differs between platforms doesn't matter.
    cumulative[byte] = Math.round(TWO_32 * below(byte + 0.5, mean, deviation));
  }
  // All that would round to 255 and more.
  cumulative[255] = TWO_32;
  const guide = new Uint8Array(1 << GUIDE_BITS);
  let byte = 0;
  for (let slot = 0; slot < guide.length; slot++) {
    while ((slot * TWO_32) / guide.length >= cumulative[byte]!) byte++;
    guide[slot] = byte;
  }
  return { cumulative, guide };
}

/** The byte that belongs to a uniform 32-bit number: the least one whose cumulative probability exceeds it. */
export function gaussianByte({ cumulative, guide }: ByteGaussian, uniform: number): number {
  let byte = guide[uniform >>> (32 - GUIDE_BITS)]!;
  while (uniform >= cumulative[byte]!) byte++;
  return byte;
}

/** One table per channel; with `global` statistics all channels share mean and variance over everything. */
export function gaussianTables(
  statistics: ChannelStatistics,
  pooling: 'channel' | 'global',
): ByteGaussian[] {
  if (pooling === 'channel') {
    return statistics.mean.map((mean, c) => byteGaussian(mean, statistics.variance[c]!));
  }
  const channels = statistics.mean.length;
  const mean = statistics.mean.reduce((sum, m) => sum + m, 0) / channels;
  // Law of total variance; every channel has as many pixels.
  const variance =
    statistics.variance.reduce((sum, v, c) => sum + v + (statistics.mean[c]! - mean) ** 2, 0) /
    channels;
  const table = byteGaussian(mean, variance);
  return statistics.mean.map(() => table);
}

/** Probability that N(mean, deviation²) is below `x`. */
function below(x: number, mean: number, deviation: number): number {
  if (deviation === 0) return x > mean ? 1 : 0;
  return normalDistribution((x - mean) / deviation);
}

/** Φ(z), to 10⁻¹⁵ absolute: the Taylor series of Marsaglia (J. Stat. Software 11(4), 2004). */
export function normalDistribution(z: number): number {
  if (z < -8) return 0;
  if (z > 8) return 1;
  let sum = z;
  let term = z;
  for (let k = 3; Math.abs(term) > 1e-18; k += 2) {
    term *= (z * z) / k;
    sum += term;
  }
  return 0.5 + (sum * Math.exp(-0.5 * z * z)) / Math.sqrt(2 * Math.PI);
}
