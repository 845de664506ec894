import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { corruptDataset, readGiven } from '../../src/corrupt/index.js';
import { otherClass, ratesBelow } from '../../src/corrupt/instance.js';
import { labelSource } from '../../src/corrupt/label-source.js';
import type { Dataset, Split, StoredImages } from '../../src/data/types.js';
import { Random } from '../../src/random.js';
import { errorOf } from '../config/helpers.js';
import { temporaryFolder } from '../helpers/temporary-folder.js';
import { chiSquared, classNames, corrupted, corruption, randomDataset, subset } from './helpers.js';

const noise = (fraction: number) => [corruption('instance-dependent', { fraction })];

/** Images that are all the same pixels, of one class. */
function alike(count: number, pixels: readonly number[], label: number, classes: number): Dataset {
  const split = (): Split => ({
    images: Uint8Array.from(
      { length: count * pixels.length },
      (_, i) => pixels[i % pixels.length]!,
    ),
    labels: new Int32Array(count).fill(label),
    indices: Uint32Array.from({ length: count }, (_, i) => i),
    count,
  });
  const { info, ...rest } = randomDataset({ train: 1, test: 1 }, 1);
  const shape = { height: 1, width: pixels.length, channels: 1 };
  const counts = { train: count, test: count };
  const names = classNames(classes);
  return {
    ...rest,
    info: { ...info, ...shape, classes: names, counts },
    train: split(),
    test: split(),
  };
}

const sum = (values: ArrayLike<number>) => Array.from(values).reduce((total, x) => total + x, 0);

describe('the class that a label flips to', () => {
  it('is drawn from the softmax over the others', () => {
    // Weights 1, 3 and 4 of 8; the label itself has none, however great its score.
    const scores = Float64Array.of(0, Math.log(3), 900, Math.log(4));
    const of = (uniform: number) => otherClass(scores, 2, uniform);
    expect([0, 0.124, 0.126, 0.49, 0.51, 0.9999].map(of)).toEqual([0, 0, 1, 1, 3, 3]);
  });

  it('is the one of the greatest score where scores are those of bytes', () => {
    expect(otherClass(Float64Array.of(-7000, 9000, 8000), 0, 0.999999)).toBe(1);
    expect(otherClass(Float64Array.of(-7000, 9000, -8000), 1, 0.999999)).toBe(0);
  });
});

describe('flip rates', () => {
  it('are those of a normal distribution, truncated to what a probability can be', () => {
    expect(ratesBelow(0.3)(0)).toBe(0);
    expect(ratesBelow(0.3)(1)).toBe(1);
    expect(ratesBelow(0.5)(0.5)).toBeCloseTo(0.5, 12);
    // (Φ(0) − Φ(−1)) / (Φ(9) − Φ(−1)), Φ(−1) = 0.158655.
    expect(ratesBelow(0.1)(0.1)).toBeCloseTo(0.341345 / 0.841345, 6);
    expect(ratesBelow(0.3)(0.4)).toBeCloseTo((0.841345 - 0.00135) / (1 - 0.00135), 5);
  });

  // τ + 0.1 (φ(a) − φ(b)) / (Φ(b) − Φ(a)), a and b the ends in deviations.
  it.each([
    [0, 0],
    [0.1, 0.1 + (0.1 * 0.241971) / 0.841345],
    [0.4, 0.4 + (0.1 * 0.000134) / 0.999968],
    [1, 1 - (0.1 * 0.398942) / 0.5],
  ])('around %d change %d of the labels', async (fraction, expected) => {
    const dataset = randomDataset({ train: 5000, test: 1 }, 1);
    const { train } = await corrupted(dataset, noise(fraction), 1);
    const realized = sum(train.labelChanged) / train.count;
    const bound = 6 * Math.sqrt((expected * (1 - expected)) / train.count);
    expect(Math.abs(realized - expected)).toBeLessThanOrEqual(bound + 1e-4);
    // Who is drawn always gets another label.
    expect(train.labelDrawn).toEqual(train.labelChanged);
  });
});

describe('instance-dependent noise', () => {
  it('goes by the product of pixels and weights, class by class', async () => {
    const [N, classes, label] = [10_000, 4, 2];
    const pixels = [1, 0, 2];
    const { train } = await corrupted(alike(N, pixels, label, classes), noise(0.6), 5);
    const weights = Array.from({ length: classes }, (_, k) => {
      const random = new Random(5, 'labels/instance-dependent/weights', label, k);
      return pixels.map(() => random.normal());
    });
    const scores = weights.map((w, k) =>
      k === label ? 0 : Math.exp(sum(w.map((each, s) => each * pixels[s]!))),
    );
    const changed = sum(train.labelChanged);
    const expected = scores.map((score) => (score / sum(scores)) * changed);
    const counts = scores.map((_, k) => train.labels.filter((each) => each === k).length);
    expect(counts[label]).toBe(N - changed);
    const others = (list: number[]) => list.filter((_, k) => k !== label);
    // Two degrees of freedom: above 45 about once in 10⁹ seeds.
    expect(chiSquared(others(counts), others(expected))).toBeLessThan(45);
  });

  it('depends on an image: another one flips to another class, and nobody else does', async () => {
    const dataset = randomDataset({ train: 500, test: 20 });
    const before = (await corrupted(dataset, noise(1), 1)).train;
    const images = dataset.train.images.slice();
    const bytes = images.length / 500;
    for (let i = 0; i < 100 * bytes; i++) images[i] = 255 - images[i]!;
    const inverted = { ...dataset, train: { ...dataset.train, images } };
    const after = (await corrupted(inverted, noise(1), 1)).train;
    expect(after.labelChanged).toEqual(before.labelChanged);
    expect(after.labels.subarray(100)).toEqual(before.labels.subarray(100));
    const moved = sum(
      after.labels.subarray(0, 100).map((l, i) => (l === before.labels[i] ? 0 : 1)),
    );
    expect(moved).toBeGreaterThan(50);
  });

  it('has one law for both splits, and draws of their own', async () => {
    const dataset = randomDataset({ train: 2000, test: 2000 });
    const same = { ...dataset, test: dataset.train };
    const { train, test } = await corrupted(same, noise(0.5), 1);
    expect(test.labels).toEqual(dataset.train.labels);
    const both = Array.from(train.labelChanged, (flag, i) => flag & test.labelChanged[i]!);
    expect(Math.abs(sum(both) / 2000 - 0.25)).toBeLessThan(0.06);
    const agree = both.filter(
      (flag, i) => flag === 1 && train.corruptedLabels[i] === test.corruptedLabels[i],
    );
    // The softmax of products of bytes is all but certain.
    expect(agree.length / sum(both)).toBeGreaterThan(0.95);
  });

  it('takes labels as corruptions before it have left them, and pixels as the data set has them', async () => {
    const dataset = randomDataset({ train: 1000, test: 10 });
    const flips = corruption('flip-labels', { fraction: 0.5 });
    const first = await corrupted(dataset, [flips], 1);
    const flipped = { ...dataset, train: { ...dataset.train, labels: first.train.labels } };
    const expected = await corrupted(flipped, noise(0.5), 1);
    for (const list of [
      [flips, ...noise(0.5)],
      [flips, corruption('random-pixels'), ...noise(0.5)],
    ]) {
      expect((await corrupted(dataset, list, 1)).train.labels).toEqual(expected.train.labels);
    }
  });

  it('is the same of images on the disk, whatever part of them is taken', async () => {
    const dataset = randomDataset({ train: 300, test: 50 });
    const stored = (split: Split, name: string): Split<StoredImages> => {
      const file = join(temporaryFolder(), name);
      writeFileSync(file, split.images);
      const bytes = split.images.length / split.count;
      return {
        ...split,
        images: {
          form: 'pixels',
          files: [file],
          file: new Uint32Array(split.count),
          offset: Float64Array.from({ length: split.count }, (_, i) => i * bytes),
          bytes: new Uint32Array(split.count).fill(bytes),
          size: dataset.info,
        },
      };
    };
    const order = Array.from({ length: 120 }, (_, i) => (i * 7) % 300);
    const part = { ...dataset, train: subset(dataset.train, order) };
    const onDisk = {
      ...part,
      train: stored(part.train, 'train'),
      test: stored(part.test, 'test'),
    };
    const whole = subset((await corrupted(dataset, noise(0.4), 3)).train, order);
    const list = noise(0.4);
    const streamed = corruptDataset(onDisk, list, 3, await readGiven(list, 3, labelSource(onDisk)));
    expect((await corrupted(part, noise(0.4), 3)).train.labels).toEqual(whole.labels);
    expect(streamed.train.labels).toEqual(whole.labels);
  });

  it('never changes its bits', async () => {
    const { train } = await corrupted(randomDataset({ train: 20, test: 1 }), noise(0.5), 7);
    expect(train.trueLabels.join('')).toBe('84535606920207521610');
    expect(train.labels.join('')).toBe('72535605937477421547');
  });

  it('ends where somebody interrupts it', async () => {
    const source = labelSource(alike(10, [1, 2], 0, 3), { signal: AbortSignal.abort() });
    expect(await errorOf(() => readGiven(noise(1), 1, source))).toBe(
      'Interrupted while drawing instance-dependent labels of random train.',
    );
  });
});
