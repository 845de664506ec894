import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import {
  CORRUPTION_KINDS,
  CORRUPTIONS,
  type CorruptionKind,
  type LabelKind,
  type PixelKind,
} from '../../src/config/corruptions.js';
import {
  corruptDataset,
  empiricalTransition,
  followsLaws,
  readGiven,
  summarizeCorruption,
  transitionMatrix,
} from '../../src/corrupt/index.js';
import { LABEL_KINDS, PIXEL_KINDS } from '../../src/corrupt/kinds.js';
import { labelSource } from '../../src/corrupt/label-source.js';
import type { PreparePixels } from '../../src/corrupt/pixels.js';
import { CIFAR10_CLASSES } from '../../src/data/published/classes.js';
import type { Dataset } from '../../src/data/types.js';
import { temporaryFolder } from '../helpers/temporary-folder.js';
import { classNames, corrupted, corruption, randomDataset, subset } from './helpers.js';

/** Like CIFAR-10 but smaller: every kind can be applied to it. */
function cifarLike(train: number, test = 50): Dataset {
  const dataset = randomDataset({ train, test });
  // Source indices have gaps of 3.
  const counts = { train: 3 * train + 1, test: 3 * test + 1 };
  return { ...dataset, info: { ...dataset.info, classes: [...CIFAR10_CLASSES], counts } };
}

/** A matrix whose rows are all different, with classes that nothing becomes. */
const MATRIX = Array.from({ length: 10 }, (_, i) =>
  Array.from({ length: 10 }, (_, j) =>
    i === j ? 0.5 : j === (i + 1) % 10 ? 0.3 : j === 0 ? 0.2 : 0,
  ),
).map((row) => row.map((p) => p / row.reduce((sum: number, each) => sum + each, 0)));

/** A kind at a fraction, or at 1 where it takes none. */
function at(kind: CorruptionKind, fraction: number, dataset: Dataset) {
  const row = CORRUPTIONS[kind];
  const file = join(temporaryFolder(), 'labels.txt');
  const count = dataset.info.counts.train;
  if (row.keys.file === 'needed') {
    writeFileSync(file, Array.from({ length: count }, (_, i) => (i * 7) % 10).join('\n'));
  }
  return corruption(kind, {
    fraction: typeof row.fraction === 'object' ? 1 : fraction,
    ...(row.keys.file === 'needed' ? { file } : {}),
    ...(row.keys.matrix ? { matrix: MATRIX } : {}),
  });
}

const takesFraction = (kind: CorruptionKind) => typeof CORRUPTIONS[kind].fraction !== 'object';
const ofLabels = CORRUPTION_KINDS.filter((kind) => CORRUPTIONS[kind].changes === 'labels');

/** Whether a kind has a matrix that is known without counting. */
async function isLawful(kind: CorruptionKind): Promise<boolean> {
  const dataset = cifarLike(100);
  const list = [at(kind, 0.5, dataset)];
  return followsLaws(list, CIFAR10_CLASSES, await readGiven(list, 1, labelSource(dataset)));
}
const lawful: CorruptionKind[] = [];
for (const kind of ofLabels) if (await isLawful(kind)) lawful.push(kind);

describe.each(CORRUPTION_KINDS)('%s', (kind) => {
  const { changes } = CORRUPTIONS[kind];

  it(`changes ${changes} alone, and the summary says so`, async () => {
    const dataset = cifarLike(1000);
    const list = [at(kind, 0.5, dataset)];
    const after = await corrupted(dataset, list, 1);
    const summary = summarizeCorruption(after, list, 1).train;
    const labelsDiffer = after.train.labels.some((label, i) => label !== dataset.train.labels[i]);
    const pixelsDiffer = Buffer.compare(after.train.images, dataset.train.images) !== 0;
    expect({ labelsDiffer, pixelsDiffer }).toEqual({
      labelsDiffer: changes === 'labels',
      pixelsDiffer: changes === 'pixels',
    });
    expect(summary.labels_changed > 0.1).toBe(labelsDiffer);
    expect(summary.labels_drawn >= summary.labels_changed).toBe(true);
    expect(summary.images_corrupted > 0.1).toBe(pixelsDiffer);
    if (!labelsDiffer) expect([summary.labels_changed, summary.labels_drawn]).toEqual([0, 0]);
    if (!pixelsDiffer) expect(summary.images_corrupted).toBe(0);
  });

  it('depends on the source index alone, not on order or subset', async () => {
    const dataset = cifarLike(300);
    const list = [at(kind, 0.5, dataset)];
    const positions = [299, 3, 170, 4, 0];
    const whole = subset((await corrupted(dataset, list, 1)).train, positions);
    const part = { ...dataset, train: subset(dataset.train, positions), wholeTrain: dataset.train };
    const { train } = await corrupted(part, list, 1);
    expect(train.labels).toEqual(whole.labels);
    expect(train.images).toEqual(whole.images);
  });

  it.runIf(takesFraction(kind))('corrupts at 0.3 a part of what it corrupts at 0.6', async () => {
    const dataset = cifarLike(1000);
    const corruptedAt = async (fraction: number) =>
      (await corrupted(dataset, [at(kind, fraction, dataset)], 1)).train;
    const [none, low, high] = [
      await corruptedAt(0),
      await corruptedAt(0.3),
      await corruptedAt(0.6),
    ];
    expect(none.labels).toEqual(dataset.train.labels);
    expect(none.images).toEqual(dataset.train.images);
    const selected = (split: typeof low) =>
      split.labelDrawn.map((d, i) => d | split.pixelsCorrupted[i]!);
    const bytes = low.images.length / low.count;
    const image = (split: typeof low, i: number) =>
      split.images.subarray(i * bytes, (i + 1) * bytes);
    const [inLow, inHigh] = [selected(low), selected(high)];
    const rate = (flags: Uint8Array) => flags.reduce((sum, flag) => sum + flag, 0) / flags.length;
    expect(Math.abs(rate(inLow) - 0.3)).toBeLessThan(6 * Math.sqrt(0.21 / 1000));
    expect(Math.abs(rate(inHigh) - 0.6)).toBeLessThan(6 * Math.sqrt(0.24 / 1000));
    for (let i = 0; i < low.count; i++) {
      if (inLow[i] === 0) continue;
      expect(inHigh[i]).toBe(1);
      expect(high.labels[i]).toBe(low.labels[i]);
      expect(Buffer.compare(image(high, i), image(low, i))).toBe(0);
    }
  });
});

describe.each(lawful)('the law of %s', (kind) => {
  it.each(takesFraction(kind) ? [0.2, 0.45, 1] : [1])(
    'has the matrix that draws at %d come near',
    async (fraction) => {
      const dataset = cifarLike(20_000);
      const list = [at(kind, fraction, dataset)];
      const given = await readGiven(list, 3, labelSource(dataset));
      const { train } = corruptDataset(dataset, list, 3, given);
      const measured = empiricalTransition(train.trueLabels, train.labels, 10);
      const matrix = transitionMatrix(list, CIFAR10_CLASSES, given);
      matrix.forEach((row, i) => {
        expect(row.reduce((sum, p) => sum + p)).toBeCloseTo(1, 12);
        row.forEach((p, j) => {
          // About 2,000 examples a row, never fewer than 1,700. What has no probability never happens.
          const bound = 6 * Math.sqrt(Math.max(0, p * (1 - p)) / 1700) + 1e-12;
          expect(Math.abs(measured[i]![j]! - p)).toBeLessThan(bound);
        });
      });
      const kept = matrix.every((row, i) => row[i] === 1);
      expect(kept).toBe(false);
    },
  );
});

it.each([
  ['flip-labels', 1, 'needs at least 2 classes, and the data has 1.'],
  ['pair-flips', 1, 'needs at least 2 classes, and the data has 1.'],
  ['instance-dependent', 1, 'needs at least 2 classes, and the data has 1.'],
  ['asymmetric-flips', 10, 'is defined on the classes of CIFAR-10 and CIFAR-100, not on 10'],
  [
    'transition-matrix',
    9,
    'matrix is no transition matrix: it has 10 rows, and there are 9 classes',
  ],
] as const)('%s is refused for %i classes that it is not defined for', async (kind, n, message) => {
  const dataset = cifarLike(5);
  const other = { ...dataset, info: { ...dataset.info, classes: classNames(n) } };
  await expect(corrupted(other, [at(kind, 0.5, other)], 1)).rejects.toThrow(message);
});

it('labels that follow no law have no matrix but the counted one', async () => {
  const dataset = cifarLike(50);
  const others = ofLabels.filter((kind) => !lawful.includes(kind));
  expect(others).toEqual(['label-file', 'instance-dependent']);
  for (const kind of others) {
    const list = [at(kind, 0.5, dataset)];
    const given = await readGiven(list, 1, labelSource(dataset));
    expect(() => transitionMatrix(list, CIFAR10_CLASSES, given)).toThrow(/follows no law/);
    expect(() => corruptDataset(dataset, list, 1)).toThrow(`${kind} was not read`);
  }
});

describe('the tables of what kinds do', () => {
  it('have no row missing: that would not compile', () => {
    const { 'flip-labels': flip, ...labels } = LABEL_KINDS;
    const { gaussian: _gaussian, ...pixels } = PIXEL_KINDS;
    // @ts-expect-error A kind of labels without what it does.
    const noLabels: typeof LABEL_KINDS = labels;
    // @ts-expect-error A kind of pixels without what it does.
    const noPixels: Record<PixelKind, PreparePixels> = pixels;
    // @ts-expect-error A kind by its classes without a law.
    const noLaw: (typeof LABEL_KINDS)[LabelKind] = { by: 'classes' };
    // @ts-expect-error A kind that changes labels is none that changes pixels.
    const wrong: PixelKind = 'flip-labels';
    expect(Object.keys(noLabels)).not.toContain('flip-labels');
    expect(Object.keys(noPixels)).not.toContain('gaussian');
    expect(noLaw).not.toEqual(flip);
    expect(PIXEL_KINDS).not.toHaveProperty(wrong);
  });
});
