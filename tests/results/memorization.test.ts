import { describe, expect, it } from 'vitest';
import { Random } from '../../src/random.js';
import {
  influencePairs,
  type MemberAnswers,
  memorizationScores,
  packAnswers,
  pearson,
  spearman,
  votesOf,
  withStrangersParts,
} from '../../src/results/memorization.js';

const flags = (text: string) => Uint8Array.from(text, Number);
const answers = (included: string, right: string, testRight: string): MemberAnswers => ({
  included: flags(included),
  right: flags(right),
  testRight: flags(testRight),
});

/** Five training and two test examples, four members. */
const TOY = [
  answers('11100', '11110', '10'),
  answers('11010', '11010', '10'),
  answers('00110', '01110', '01'),
  answers('10110', '10011', '00'),
];
const pack = (all: MemberAnswers[]) =>
  packAnswers(
    {
      members: all.length,
      count: all[0]!.included.length,
      testCount: all[0]!.testRight.length,
    },
    all,
  );

describe('memorization scores', () => {
  it('are those that were worked out on paper', () => {
    const scores = memorizationScores(pack(TOY));
    expect([...scores.members_in]).toEqual([3, 2, 3, 3, 0]);
    expect([...scores.members_out]).toEqual([1, 2, 1, 1, 4]);
    // In: right in members 1, 2, 4 | 1, 2 | 1, 3 of 1, 3, 4 | 2, 3, 4. Out: not in 3 | in 3 of 3, 4 | not in 2 | in 1 | 4 of all.
    expect([...scores.accuracy_in]).toEqual([1, 1, Math.fround(2 / 3), 1, Number.NaN]);
    expect([...scores.accuracy_out]).toEqual([0, 0.5, 0, 1, 0.25]);
    expect([...scores.memorization]).toEqual([1, 0.5, Math.fround(2 / 3), 0, Number.NaN]);
    const errors = [0, Math.sqrt(0.25 / 2), Math.sqrt(2 / 9 / 3), 0, Number.NaN];
    expect([...scores.standard_error]).toEqual(errors.map(Math.fround));
  });

  it('are NaN for an example that is in the part of all, too', () => {
    const all = [answers('10', '10', '1'), answers('11', '10', '1')];
    const { memorization, standard_error } = memorizationScores(pack(all));
    expect([...memorization]).toEqual([Number.NaN, 0]);
    expect([...standard_error]).toEqual([Number.NaN, 0]);
  });

  it('and influence are those of plain counting, with members in several words of bits', async () => {
    const random = new Random(5, 'test/memorization');
    const [members, count, testCount] = [75, 40, 30];
    const bits = (n: number) => Uint8Array.from({ length: n }, () => random.integer(2));
    const all = Array.from({ length: members }, () => ({
      included: bits(count),
      right: bits(count),
      testRight: bits(testCount),
    }));
    /** Mean over the members that have the flag at `i`. */
    const mean = (i: number, flag: 0 | 1, of: (member: MemberAnswers) => number) => {
      const own = all.filter(({ included }) => included[i] === flag).map(of);
      return own.reduce((a, b) => a + b, 0) / own.length;
    };
    const difference = (i: number, of: (member: MemberAnswers) => number) =>
      mean(i, 1, of) - mean(i, 0, of);
    const packed = pack(all);
    const { memorization } = memorizationScores(packed);
    for (let i = 0; i < count; i++) {
      expect(memorization[i]).toBeCloseTo(
        difference(i, ({ right }) => right[i]!),
        6,
      );
    }
    const least = 0.15;
    const expected = Array.from({ length: count }, (_, i) => i)
      .flatMap((i) =>
        Array.from({ length: testCount }, (_, j) => ({
          key: `${i}/${j}`,
          influence: difference(i, ({ testRight }) => testRight[j]!),
        })),
      )
      .filter(({ influence }) => influence >= least);
    const everyone = Array.from({ length: count }, (_, i) => i);
    const pairs = await influencePairs(packed, everyone, least);
    expect(pairs.found).toBe(expected.length);
    expect(expected.length).toBeGreaterThan(20);
    const found = new Map(
      [...pairs.train].map((i, k): [string, number] => [
        `${i}/${pairs.test[k]}`,
        pairs.influence[k]!,
      ]),
    );
    expect([...found.keys()].sort()).toEqual(expected.map(({ key }) => key).sort());
    for (const { key, influence } of expected) expect(found.get(key)).toBeCloseTo(influence, 6);
    expect([...pairs.influence]).toEqual([...pairs.influence].sort((a, b) => b - a));

    const few = await influencePairs(packed, everyone, least, { most: 3 });
    expect(few.found).toBe(expected.length);
    expect([...few.influence]).toEqual([...pairs.influence.subarray(0, 3)]);

    const shifted = all.map((member, m) => ({
      ...member,
      included: all[(m + 1) % members]!.included,
    }));
    expect(withStrangersParts(packed)).toEqual(pack(shifted));
  });
});

describe('influence', () => {
  it('on the toy is what was worked out on paper, at the threshold, too', async () => {
    // Members with example 1: tests 10, 10; without: 01, 00. So 1 on the first test example and −1/2 on the second.
    // With example 0: 10, 10, 00 and 01: 2/3 and −1. With 2: 10, 01, 00 and 10: −2/3 and 1/3. With 4: none.
    const pairs = await influencePairs(pack(TOY), [0, 1, 2, 4], 1 / 3);
    const told = [...pairs.train].map((i, k) => [i, pairs.test[k], pairs.influence[k]]);
    expect(told).toEqual([
      [1, 0, 1],
      [0, 0, Math.fround(2 / 3)],
      [2, 1, Math.fround(1 / 3)],
    ]);
    expect([...pairs.standard_error]).toEqual(
      [0, Math.sqrt(2 / 27), Math.sqrt(2 / 27)].map(Math.fround),
    );
  });
});

describe('votes', () => {
  it('are those of members that were not trained on an example', () => {
    const member = (included: string, prediction: number[]) => ({
      included: flags(included),
      prediction,
    });
    const members = [
      member('101', [2, 1, 0]),
      member('011', [1, 2, 0]),
      member('001', [1, 0, 0]),
      member('101', [0, 1, 2]),
    ];
    expect([...votesOf({ count: 3, classes: 3 }, members)]).toEqual([1, 1, -1]);
  });
});

describe('correlations', () => {
  it('are those of Pearson and of Spearman', () => {
    expect(pearson([1, 2, 3, 4], [2, 4, 6, 8])).toBeCloseTo(1, 12);
    // Σ(a − 2.5)(b − 2.5) = 4, Σ(a − 2.5)² = Σ(b − 2.5)² = 5.
    expect(pearson([1, 2, 3, 4], [1, 3, 2, 4])).toBeCloseTo(0.8, 12);
    expect(spearman([1, 10, 100, 1000], [1, 2, 3, 4])).toBeCloseTo(1, 12);
    // Ranks 0.5, 0.5, 2, 3 and 0, 1, 2, 3: 4.5 / √(4.5 · 5).
    expect(spearman([7, 7, 8, 9], [1, 2, 3, 4])).toBeCloseTo(4.5 / Math.sqrt(22.5), 12);
    expect(spearman([1, 2, Number.POSITIVE_INFINITY], [1, 2, 3])).toBeCloseTo(1, 12);
  });

  it('are null where there is nothing to correlate', () => {
    expect(pearson([1, 1, 1], [1, 2, 3])).toBeNull();
    expect(pearson([1, 2, Number.POSITIVE_INFINITY], [1, 2, 3])).toBeNull();
    expect(spearman([], [])).toBeNull();
  });
});
