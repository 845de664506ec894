import { createHash } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import type { CorruptionConfig } from '../../src/config/corruptions.js';
import { corruptDataset, summarizeCorruption } from '../../src/corrupt/index.js';
import { corruption, draw, randomDataset, subset } from './helpers.js';

const dataset = randomDataset({ train: 2000, test: 500 });
const everything = [
  corruption('partial-labels', { fraction: 0.4 }),
  corruption('flip-labels', { fraction: 0.2 }),
  corruption('random-pixels', { fraction: 0.5 }),
  corruption('gaussian', { fraction: 0.3 }),
];

describe('corruptDataset', () => {
  it('shares all arrays with the source where nothing is corrupted', () => {
    const { train, test } = corruptDataset(dataset, [], 1);
    for (const [split, source] of [
      [train, dataset.train],
      [test, dataset.test],
    ] as const) {
      expect(split.images).toBe(source.images);
      expect(split.labels).toBe(source.labels);
      expect(split.trueLabels).toBe(source.labels);
      expect(split.corruptedLabels).toBe(source.labels);
      expect(split.indices).toBe(source.indices);
    }
  });

  it('shares images with the source under label noise, and labels under pixel noise', () => {
    const labels = corruptDataset(dataset, [corruption('random-labels')], 1);
    expect(labels.train.images).toBe(dataset.train.images);
    const pixels = corruptDataset(dataset, [corruption('gaussian')], 1);
    expect(pixels.train.labels).toBe(dataset.train.labels);
  });

  it('never writes to the source', () => {
    const before = structuredClone(dataset);
    corruptDataset(dataset, everything, 1);
    expect(dataset).toEqual(before);
  });

  it('keeps test labels true and gives the corrupted ones aside', () => {
    const { train, test } = corruptDataset(dataset, [corruption('random-labels')], 1);
    expect(test.labels).toBe(dataset.test.labels);
    expect(test.corruptedLabels).not.toEqual(dataset.test.labels);
    expect(train.labels).toBe(train.corruptedLabels);
    expect(train.trueLabels).toBe(dataset.train.labels);
  });

  it('depends on the source index, not on position, order or subset', () => {
    const whole = corruptDataset(dataset, everything, 1);
    const positions = [1999, 3, 700, 4, 0];
    const part = { ...dataset, train: subset(dataset.train, positions) };
    const { train } = corruptDataset(part, everything, 1);
    const expected = subset(whole.train, positions);
    expect(train.labels).toEqual(expected.labels);
    expect(train.images).toEqual(expected.images);
  });

  it('is the same twice, and another for another seed', () => {
    const once = corruptDataset(dataset, everything, 1);
    expect(corruptDataset(dataset, everything, 1)).toEqual(once);
    const other = corruptDataset(dataset, everything, 2);
    expect(other.train.labels).not.toEqual(once.train.labels);
    expect(other.train.images).not.toEqual(once.train.images);
  });

  it('applies the list in order', () => {
    const [partial, flip] = [
      corruption('partial-labels', { fraction: 0.4 }),
      corruption('flip-labels', { fraction: 0.2 }),
    ];
    const { train } = corruptDataset(dataset, [partial, flip], 1);
    for (let i = 0; i < 200; i++) {
      const [index, label] = [dataset.train.indices[i]!, dataset.train.labels[i]!];
      const first = draw(partial, 1, 'train', index, label, 10).label;
      expect(train.labels[i]).toBe(draw(flip, 1, 'train', index, first, 10).label);
    }
    // Gaussian after a permutation is Gaussian; a permutation after Gaussian permutes it.
    const gaussian = corruption('gaussian');
    const shuffled = corruption('shuffled-pixels', { channels: 'mixed' });
    const images = (...list: CorruptionConfig[]) => corruptDataset(dataset, list, 1).test.images;
    expect(images(shuffled, gaussian)).toEqual(images(gaussian));
    expect(images(gaussian, shuffled)).not.toEqual(images(gaussian));
  });

  it('marks what was drawn, what changed and what is corrupted', () => {
    const { train } = corruptDataset(dataset, everything, 1);
    const bytes = train.images.length / train.count;
    for (let i = 0; i < train.count; i++) {
      const isChanged = train.labels[i] !== train.trueLabels[i];
      expect(train.labelChanged[i]).toBe(isChanged ? 1 : 0);
      if (isChanged) expect(train.labelDrawn[i]).toBe(1);
      const [start, end] = [i * bytes, (i + 1) * bytes];
      const same = Buffer.compare(
        train.images.subarray(start, end),
        dataset.train.images.subarray(start, end),
      );
      expect(train.pixelsCorrupted[i]).toBe(same === 0 ? 0 : 1);
    }
  });

  it('refuses a kind listed twice', () => {
    const twice = [corruption('gaussian'), corruption('gaussian', { fraction: 0.5 })];
    expect(() => corruptDataset(dataset, twice, 1)).toThrow('corruption lists gaussian twice.');
  });
});

describe('summarizeCorruption', () => {
  it('gives realized rates that follow from the definitions', () => {
    const corrupted = corruptDataset(dataset, everything, 1);
    const summary = summarizeCorruption(corrupted, everything, 1);
    expect(summary.corruptions).toEqual(everything);
    expect(summary.seed).toBe(1);
    // Drawn by either: 1 − 0.6·0.8. Still true: 0.64·0.8 untouched by the flip, or 0.36 changed and flipped back.
    const rates = { labels_drawn: 0.52, labels_changed: 1 - 0.512 - (0.36 * 0.2) / 9 };
    for (const split of [summary.train, summary.test]) {
      const expected = { ...rates, images_corrupted: 0.65 };
      for (const [name, rate] of Object.entries(expected)) {
        const realized = split[name as keyof typeof expected];
        const sixSigma = 6 * Math.sqrt((rate * (1 - rate)) / split.count);
        expect(Math.abs(realized - rate)).toBeLessThan(sixSigma);
      }
    }
  });

  it('hashes all corrupted labels and the first 1,000 images', () => {
    const corrupted = corruptDataset(dataset, everything, 1);
    const { train, test } = summarizeCorruption(corrupted, everything, 1);
    const sha256 = (bytes: Uint8Array) => createHash('sha256').update(bytes).digest('hex');
    const labelBytes = Uint8Array.from(corrupted.test.corruptedLabels, (label) => label);
    const wide = new Uint8Array(labelBytes.length * 4);
    labelBytes.forEach((label, i) => {
      wide[4 * i] = label;
    });
    expect(test.labels_sha256).toBe(sha256(wide));
    expect(test.first_images_sha256).toBe(sha256(corrupted.test.images));
    expect(train.first_images_sha256).toBe(sha256(corrupted.train.images.subarray(0, 60_000)));
  });

  it('says nothing was corrupted where nothing was', () => {
    const { train } = summarizeCorruption(corruptDataset(dataset, [], 1), [], 1);
    expect([train.labels_drawn, train.labels_changed, train.images_corrupted]).toEqual([0, 0, 0]);
  });

  it('never changes its bits', () => {
    const { train, test } = summarizeCorruption(
      corruptDataset(dataset, everything, 1),
      everything,
      1,
    );
    const short = (hash: string) => hash.slice(0, 16);
    expect([train.labels_sha256, train.first_images_sha256].map(short)).toEqual([
      'bf827b0978075e92',
      'd252cf450932548c',
    ]);
    expect([test.labels_sha256, test.first_images_sha256].map(short)).toEqual([
      'f0ebb57d24d1cb58',
      '43c78b0aacd86fe0',
    ]);
  });
});
