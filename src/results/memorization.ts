/**
 * Memorization scores and influence by training on random parts (Feldman & Zhang 2020, section 3.1). Pure functions: what every
 * member says of every example is a bit, and all that is asked for are counts of bits.
 */

/** What one member says. */
export interface MemberAnswers {
  /** 1 where it was trained on the training example, [count]. */
  included: Uint8Array;
  /** 1 where it predicts the given label of the training example, [count]. */
  right: Uint8Array;
  /** 1 where it predicts the label of the test example, [testCount]. */
  testRight: Uint8Array;
}

/** Bits by example, a bit for each member: [count, words]. */
interface Bits {
  words: number;
  bits: Uint32Array;
}

/** What all members say, packed: an eighth of a byte for each member and example. */
export interface PackedAnswers {
  members: number;
  count: number;
  testCount: number;
  included: Bits;
  right: Bits;
  testRight: Bits;
}

/** Packs the answers of members; each is read once, so that they need not be held together. */
export function packAnswers(
  { members, count, testCount }: { members: number; count: number; testCount: number },
  answers: Iterable<MemberAnswers>,
): PackedAnswers {
  const words = Math.ceil(members / 32);
  const empty = (of: number): Bits => ({ words, bits: new Uint32Array(of * words) });
  const packed = {
    members,
    count,
    testCount,
    included: empty(count),
    right: empty(count),
    testRight: empty(testCount),
  };
  let member = 0;
  for (const { included, right, testRight } of answers) {
    put(packed.included, included, member);
    put(packed.right, right, member);
    put(packed.testRight, testRight, member);
    member++;
  }
  return packed;
}

function put({ words, bits }: Bits, flags: Uint8Array, member: number): void {
  const word = member >>> 5;
  const bit = 1 << (member & 31);
  for (let i = 0; i < flags.length; i++) if (flags[i] === 1) bits[i * words + word]! |= bit;
}

/** Bits that are set (Hacker's Delight, section 5-1). */
function ones(v: number): number {
  v -= (v >>> 1) & 0x55555555;
  v = (v & 0x33333333) + ((v >>> 2) & 0x33333333);
  return Math.imul((v + (v >>> 4)) & 0x0f0f0f0f, 0x01010101) >>> 24;
}

function onesOf({ words, bits }: Bits, i: number): number {
  let sum = 0;
  for (let word = 0; word < words; word++) sum += ones(bits[i * words + word]!);
  return sum;
}

/** Members that have both bits, of example `i` of the one and `j` of the other. */
function onesOfBoth(a: Bits, i: number, b: Bits, j: number): number {
  const { words } = a;
  let sum = 0;
  for (let word = 0; word < words; word++) {
    sum += ones(a.bits[i * words + word]! & b.bits[j * words + word]!);
  }
  return sum;
}

/** Of each training example, [count]; NaN where no member, or every one, was trained on it. */
export interface MemorizationScores {
  /** Members that were trained on it, and that were not. */
  members_in: Uint32Array;
  members_out: Uint32Array;
  /** Share of each that predict the given label. */
  accuracy_in: Float32Array;
  accuracy_out: Float32Array;
  /** accuracy_in − accuracy_out. */
  memorization: Float32Array;
  /** Of this difference: see `differenceError`. */
  standard_error: Float32Array;
}

/**
 * Standard error of a difference of two shares of independent members, √(p(1 − p)/n + q(1 − q)/m). Where all members of both
 * sides agree it is 0, though nothing is known better than to about 1/m.
 */
export function differenceError(p: number, n: number, q: number, m: number): number {
  return Math.sqrt((p * (1 - p)) / n + (q * (1 - q)) / m);
}

/** mem(i): by how much members that were trained on an example predict its given label more often than those that were not. */
export function memorizationScores(packed: PackedAnswers): MemorizationScores {
  const { members, count, included, right } = packed;
  const scores: MemorizationScores = {
    members_in: new Uint32Array(count),
    members_out: new Uint32Array(count),
    accuracy_in: new Float32Array(count),
    accuracy_out: new Float32Array(count),
    memorization: new Float32Array(count),
    standard_error: new Float32Array(count),
  };
  for (let i = 0; i < count; i++) {
    const n = onesOf(included, i);
    const m = members - n;
    const rightIn = onesOfBoth(included, i, right, i);
    // 0 / 0 is NaN: there is no score.
    const p = rightIn / n;
    const q = (onesOf(right, i) - rightIn) / m;
    scores.members_in[i] = n;
    scores.members_out[i] = m;
    scores.accuracy_in[i] = p;
    scores.accuracy_out[i] = q;
    scores.memorization[i] = p - q;
    scores.standard_error[i] = differenceError(p, n, q, m);
  }
  return scores;
}

/** Pairs of a training and a test example, by position in their sets; the greatest influence first. */
export interface InfluencePairs {
  train: Uint32Array;
  test: Uint32Array;
  influence: Float32Array;
  standard_error: Float32Array;
  /** All that reach the threshold: of very many, not all are kept. */
  found: number;
}

/** More pairs than anybody reads; they fit into 16 MB. */
const MOST_PAIRS = 1_000_000;

/**
 * infl(i, j): by how much members that were trained on example i predict the label of test example j more often than those that
 * were not. For each training example in `of` a pass over the test set: |of| · testCount · members / 32 words, and no matrix.
 *
 * @param least Influence from which on a pair is kept.
 * @param turn Called before each training example, with how many are done.
 */
export async function influencePairs(
  packed: PackedAnswers,
  of: readonly number[],
  least: number,
  { most = MOST_PAIRS, turn }: { most?: number; turn?: (done: number) => Promise<void> } = {},
): Promise<InfluencePairs> {
  const { members, testCount, included, testRight } = packed;
  const totals = Uint32Array.from({ length: testCount }, (_, j) => onesOf(testRight, j));
  let kept: Pair[] = [];
  let found = 0;
  for (const [done, i] of of.entries()) {
    await turn?.(done);
    const n = onesOf(included, i);
    const m = members - n;
    if (n === 0 || m === 0) continue;
    for (let j = 0; j < testCount; j++) {
      const rightIn = onesOfBoth(included, i, testRight, j);
      const p = rightIn / n;
      const q = (totals[j]! - rightIn) / m;
      // Two shares of 1/n and 1/m are seldom whole in binary: one that is equal to the threshold shall reach it.
      if (p - q < least - 1e-12) continue;
      found++;
      kept.push({ train: i, test: j, influence: p - q, error: differenceError(p, n, q, m) });
    }
    if (kept.length > 2 * most) kept = greatest(kept, most);
  }
  const pairs = greatest(kept, most);
  return {
    train: Uint32Array.from(pairs, ({ train }) => train),
    test: Uint32Array.from(pairs, ({ test }) => test),
    influence: Float32Array.from(pairs, ({ influence }) => influence),
    standard_error: Float32Array.from(pairs, ({ error }) => error),
    found,
  };
}

interface Pair {
  train: number;
  test: number;
  influence: number;
  error: number;
}

function greatest(pairs: Pair[], most: number): Pair[] {
  return pairs
    .sort((a, b) => b.influence - a.influence || a.train - b.train || a.test - b.test)
    .slice(0, most);
}

/**
 * The same answers with each member's part given to the next one: what a member predicts has nothing to do with the part it is
 * then held against, so that whatever influence is found is found by chance.
 */
export function withStrangersParts(packed: PackedAnswers): PackedAnswers {
  const { members, count, included } = packed;
  const { words } = included;
  const bits = new Uint32Array(included.bits.length);
  for (let member = 0; member < members; member++) {
    const from = (member + 1) % members;
    for (let i = 0; i < count; i++) {
      const bit = (included.bits[i * words + (from >>> 5)]! >>> (from & 31)) & 1;
      bits[i * words + (member >>> 5)]! |= bit << (member & 31);
    }
  }
  return { ...packed, included: { words, bits } };
}

/** Pearson's r; `null` where a value is not finite, or one side is all the same. */
export function pearson(a: ArrayLike<number>, b: ArrayLike<number>): number | null {
  const n = a.length;
  const [meanA, meanB] = [meanOf(a), meanOf(b)];
  let [ab, aa, bb] = [0, 0, 0];
  for (let i = 0; i < n; i++) {
    const [x, y] = [a[i]! - meanA, b[i]! - meanB];
    ab += x * y;
    aa += x * x;
    bb += y * y;
  }
  const r = ab / Math.sqrt(aa * bb);
  return Number.isFinite(r) ? r : null;
}

/** Spearman's ρ: Pearson's r of ranks, ties at the mean of theirs. */
export function spearman(a: ArrayLike<number>, b: ArrayLike<number>): number | null {
  return pearson(ranks(a), ranks(b));
}

function meanOf(values: ArrayLike<number>): number {
  let sum = 0;
  for (let i = 0; i < values.length; i++) sum += values[i]!;
  return sum / values.length;
}

function ranks(values: ArrayLike<number>): Float64Array {
  const order = Uint32Array.from({ length: values.length }, (_, i) => i).sort((a, b) =>
    values[a]! < values[b]! ? -1 : values[a]! > values[b]! ? 1 : 0,
  );
  const rank = new Float64Array(values.length);
  for (let first = 0; first < order.length; ) {
    let end = first + 1;
    while (end < order.length && values[order[end]!] === values[order[first]!]) end++;
    for (let at = first; at < end; at++) rank[order[at]!] = (first + end - 1) / 2;
    first = end;
  }
  return rank;
}

/** The class that most members predict of those that were not trained on an example, [count]; of equal ones the first; −1: none. */
export function votesOf(
  { count, classes }: { count: number; classes: number },
  members: Iterable<{ included: Uint8Array; prediction: ArrayLike<number> }>,
): Int32Array {
  const votes = new Uint32Array(count * classes);
  for (const { included, prediction } of members) {
    for (let i = 0; i < count; i++) {
      if (included[i] === 0) votes[i * classes + prediction[i]!]!++;
    }
  }
  return Int32Array.from({ length: count }, (_, i) => {
    const own = votes.subarray(i * classes, (i + 1) * classes);
    const most = own.reduce((a, b) => Math.max(a, b), 0);
    return most === 0 ? -1 : own.indexOf(most);
  });
}
