import { createHash } from 'node:crypto';

/**
 * Philox4x32-10 (Salmon et al., SC 2011), a counter-based generator: its output is a pure function of key and counter,
 * so the numbers that belong to one example need no state and no order of visiting.
 */
export function philox4x32(
  counter: readonly [number, number, number, number],
  key: readonly [number, number],
  out: Uint32Array,
): void {
  philoxBlock(counter[0], counter[1], counter[2], counter[3], key[0], key[1], out);
}

/** The same on scalars, all of it int32 arithmetic: hundreds of millions of these make one corrupted data set. */
function philoxBlock(
  c0: number,
  c1: number,
  c2: number,
  c3: number,
  k0: number,
  k1: number,
  out: Uint32Array,
): void {
  for (let round = 0; round < 10; round++) {
    const hi0 = mulHigh(c0, 0xd251, 0x1f53);
    const hi1 = mulHigh(c2, 0xcd9e, 0x8d57);
    const lo0 = Math.imul(c0, 0xd2511f53);
    const lo1 = Math.imul(c2, 0xcd9e8d57);
    c0 = hi1 ^ c1 ^ k0;
    c1 = lo1;
    c2 = hi0 ^ c3 ^ k1;
    c3 = lo0;
    k0 = (k0 + 0x9e3779b9) | 0;
    k1 = (k1 + 0xbb67ae85) | 0;
  }
  out[0] = c0;
  out[1] = c1;
  out[2] = c2;
  out[3] = c3;
}

/** Upper 32 bits of an unsigned 32×32 product, by 16-bit halves of which no sum below passes 2³²−1. */
function mulHigh(a: number, bHigh: number, bLow: number): number {
  const aLow = a & 0xffff;
  const aHigh = a >>> 16;
  const middle = (Math.imul(aHigh, bLow) + (Math.imul(aLow, bLow) >>> 16)) | 0;
  const carry = ((middle & 0xffff) + Math.imul(aLow, bHigh)) | 0;
  return (Math.imul(aHigh, bHigh) + (middle >>> 16) + (carry >>> 16)) | 0;
}

const streamIds = new Map<string, number>();

/**
 * A stream of random numbers for one purpose and one index: `new Random(seed, 'labels/train', sourceIndex)`, or for
 * one purpose and a pair of them (example and epoch).
 *
 * Two streams that differ in seed (0…2⁵³−1), purpose, index or subindex (0…2³²−1) are independent; equal ones are
 * equal, on every machine, whatever was drawn before.
 */
export class Random {
  private readonly key0: number;
  private readonly key1: number;
  private readonly stream: number;
  private readonly index: number;
  private readonly subindex: number;
  private block = 0;
  private readonly buffer = new Uint32Array(4);
  private used = 4;
  private spareNormal: number | undefined;

  constructor(seed: number, purpose: string, index = 0, subindex = 0) {
    if (!Number.isSafeInteger(seed) || seed < 0) {
      throw new RangeError(`a seed is an integer from 0 to 2^53-1, not ${seed}`);
    }
    let stream = streamIds.get(purpose);
    if (stream === undefined) {
      // A 32-bit number for a name, the same for ever: streams are named, not numbered.
      stream = createHash('sha256').update(purpose).digest().readUInt32LE(0);
      streamIds.set(purpose, stream);
    }
    this.key0 = (seed % 0x1_0000_0000) | 0;
    this.key1 = (seed / 0x1_0000_0000) | 0;
    this.stream = stream | 0;
    this.index = index | 0;
    this.subindex = subindex | 0;
  }

  /** An integer in 0…2³²−1. */
  uint32(): number {
    if (this.used === 4) {
      philoxBlock(
        this.block++,
        this.index,
        this.stream,
        this.subindex,
        this.key0,
        this.key1,
        this.buffer,
      );
      this.used = 0;
    }
    return this.buffer[this.used++]!;
  }

  /** A double in [0, 1) with 53 random bits. */
  uniform(): number {
    const high = this.uint32() >>> 5;
    const low = this.uint32() >>> 6;
    return (high * 0x400_0000 + low) / 0x20_0000_0000_0000;
  }

  /** An integer in 0…n−1, every one equally likely (rejection, no modulo bias). */
  integer(n: number): number {
    if (!(n >= 1)) throw new RangeError(`no integer can be drawn from 0 to ${n} - 1`);
    const lastStart = 0x1_0000_0000 - n;
    for (;;) {
      const x = this.uint32();
      // `>>> 0` tells the compiler that this is an integer remainder, several times as fast as that of doubles.
      const rest = x % (n >>> 0);
      // Numbers are cut into runs of n; the last run is refused where 2³² cuts it short.
      if (x - rest <= lastStart) return rest;
    }
  }

  /** A standard normal number (Box–Muller). */
  normal(): number {
    if (this.spareNormal !== undefined) {
      const spare = this.spareNormal;
      this.spareNormal = undefined;
      return spare;
    }
    const radius = Math.sqrt(-2 * Math.log(1 - this.uniform()));
    const angle = 2 * Math.PI * this.uniform();
    this.spareNormal = radius * Math.sin(angle);
    return radius * Math.cos(angle);
  }

  /** A standard normal number conditioned on |x| ≤ 2 (redrawn, as TensorFlow's truncated normal). */
  truncatedNormal(): number {
    let x = this.normal();
    while (Math.abs(x) > 2) x = this.normal();
    return x;
  }

  /** A uniform permutation of 0…n−1 (Fisher–Yates). */
  permutation(n: number): Uint32Array {
    const order = Uint32Array.from({ length: n }, (_, i) => i);
    this.shuffle(order);
    return order;
  }

  /** Shuffles in place (Fisher–Yates). */
  shuffle(items: Uint32Array): void {
    for (let i = items.length - 1; i > 0; i--) {
      const j = this.integer(i + 1);
      const kept = items[i]!;
      items[i] = items[j]!;
      items[j] = kept;
    }
  }
}

/** A seed of its own for one purpose (`data`, `corruption`, `init`), derived from the run's seed: 48 bits. */
export function deriveSeed(seed: number, purpose: string): number {
  const digest = createHash('sha256').update(`${seed}/${purpose}`).digest();
  return digest.readUIntLE(0, 6);
}
