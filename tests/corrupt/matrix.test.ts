import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import type { CorruptionConfig } from '../../src/config/corruptions.js';
import { empiricalTransition, readGiven, transitionMatrix } from '../../src/corrupt/index.js';
import { labelSource } from '../../src/corrupt/label-source.js';
import { byMatrix, drawFrom } from '../../src/corrupt/laws.js';
import { givenMatrix, readTransition } from '../../src/corrupt/transition-file.js';
import { CIFAR100_CLASSES, CIFAR100_COARSE } from '../../src/data/published/classes.js';
import type { Dataset } from '../../src/data/types.js';
import { sha256 } from '../../src/disk/digest.js';
import { npy } from '../data/helpers.js';
import { temporaryFolder } from '../helpers/temporary-folder.js';
import { classNames, corrupted, corruption, randomDataset, subset } from './helpers.js';

const MATRIX = [
  [0.5, 0.5, 0],
  [0, 1, 0],
  [0.25, 0, 0.75],
];

function file(name: string, content: string | Buffer): string {
  const path = join(temporaryFolder(), name);
  writeFileSync(path, content);
  return path;
}

const npyOf = (descr: string, shape: string, data: ArrayBufferView, fortran = false) =>
  npy(descr, shape, new Uint8Array(data.buffer, data.byteOffset, data.byteLength), { fortran });

describe('drawing from a row', () => {
  it('gives each class its part of what is uniform', () => {
    const of = (uniform: number) => drawFrom([0.25, 0, 0.75], uniform);
    expect([0, 0.2499, 0.25, 0.5, 0.999999].map(of)).toEqual([0, 0, 2, 2, 2]);
    expect(drawFrom([0, 1, 0], 0)).toBe(1);
    // A row that rounding left a hair short of 1.
    expect(drawFrom([0.1, 0.2, 0], 1 - 2 ** -53, 0.30000000000000004)).toBe(1);
  });

  it('mixes with true labels where only some are drawn', () => {
    expect(byMatrix('matrix', MATRIX).transition(0.5)).toEqual([
      [0.75, 0.25, 0],
      [0, 1, 0],
      [0.125, 0, 0.875],
    ]);
  });
});

describe('a matrix in a file', () => {
  const doubles = Float64Array.from(MATRIX.flat());
  const columns = Float32Array.from([0.5, 0, 0.25, 0.5, 1, 0, 0, 0, 0.75]);

  it.each([
    ['t.npy', npyOf('<f8', '(3, 3)', doubles)],
    ['fortran.npy', npyOf('<f4', '(3, 3)', columns, true)],
    ['t.json', JSON.stringify(MATRIX)],
    ['t.csv', '\uFEFF0.5,0.5,0\r\n0,1,0\r\n0.25,0,0.75\r\n'],
  ])('is read from %s', (name, content) => {
    expect(readTransition(file(name, content), 3)).toEqual(MATRIX);
  });

  it.each([
    [npyOf('<f8', '(9,)', doubles), 'it holds an array of shape (9)'],
    [npyOf('<f8', '(1, 9)', doubles), 'it has 1 rows, and there are 3 classes'],
    [npyOf('<f8', '(9007199254740991, 0)', new Float64Array(0)), 'it has 0 rows'],
    [npyOf('<U1', '(3, 3)', new Uint32Array(9)), 'row 1 has no number in column 1'],
    [
      npyOf(
        '<f8',
        '(3, 3)',
        doubles.map((p) => (p === 1 ? Number.NaN : p)),
      ),
      'row 2 has NaN in column 2',
    ],
    [
      npyOf(
        '<f8',
        '(3, 3)',
        doubles.map((p) => p * 1.001),
      ),
      'row 1 sums to 1.001, not to 1 (within 0.0001)',
    ],
  ])('is refused: %#', (content, message) => {
    expect(() => readTransition(file('t.npy', content), 3)).toThrow(message);
  });

  it('is the one that the config was made with', () => {
    const path = file('t.json', JSON.stringify(MATRIX));
    const { info } = randomDataset({ train: 1, test: 1 });
    const of = (digest: string) =>
      givenMatrix(corruption('transition-matrix', { file: path, sha256: digest }), {
        ...info,
        classes: classNames(3),
      });
    expect(of(sha256(JSON.stringify(MATRIX)))).toEqual(MATRIX);
    expect(() => of('0'.repeat(64))).toThrow(/is not the file that the config was made with/);
  });

  it('has rows that are rounded divided by their sums', () => {
    const rows = readTransition(file('t.csv', '0.33333,0.33333,0.33333\n0,1,0\n0,0,1'), 3);
    expect(rows[0]).toEqual([1 / 3, 1 / 3, 1 / 3]);
  });
});

describe('flips within the superclasses of CIFAR-100', () => {
  const fine = (name: string) => CIFAR100_CLASSES.indexOf(name);
  const matrix = transitionMatrix(
    [corruption('asymmetric-flips', { fraction: 0.3 })],
    CIFAR100_CLASSES,
  );

  it.each([
    ['beaver', 'dolphin'],
    ['seal', 'whale'],
    ['whale', 'beaver'],
    ['willow_tree', 'maple_tree'],
    ['woman', 'baby'],
    ['pickup_truck', 'train'],
    ['train', 'bicycle'],
    ['tractor', 'lawn_mower'],
  ])('take %s for %s', (from, to) => {
    expect(matrix[fine(from)]![fine(to)]).toBe(0.3);
    expect(matrix[fine(from)]![fine(from)]).toBe(0.7);
  });

  it('go once around each superclass of five', () => {
    const next = matrix.map((row) => row.indexOf(0.3));
    expect(new Set(next).size).toBe(100);
    for (const start of CIFAR100_CLASSES.keys()) {
      const round = [start];
      while (next[round.at(-1)!] !== start) round.push(next[round.at(-1)!]!);
      expect(round.length).toBe(5);
      expect(new Set(round.map((label) => CIFAR100_COARSE[label])).size).toBe(1);
    }
  });
});

describe('the twin of a label file', () => {
  /** 6,000 examples of three classes, and a file of labels that are wrong by a rule. */
  const examples = randomDataset({ train: 6000, test: 3000 }, 1);
  const classes = classNames(3);
  const ofThree = (split: Dataset['train']) => ({
    ...split,
    labels: split.labels.map((label) => label % 3),
    indices: Uint32Array.from(split.labels.keys()),
  });
  const dataset: Dataset = {
    ...examples,
    info: { ...examples.info, classes, counts: { train: 6000, test: 3000 } },
    train: ofThree(examples.train),
    test: ofThree(examples.test),
  };
  // What no class-conditional noise would do: wrong are the first examples.
  const wrong = Array.from(dataset.train.labels, (label, i) =>
    i < 2400 ? (label + 1) % 3 : label,
  );
  const list = (rest: Partial<CorruptionConfig> = {}) => [
    corruption('label-file-twin', { file: file('noisy.txt', wrong.join('\n')), ...rest }),
  ];
  const counted = empiricalTransition(dataset.train.labels, wrong, 3);

  it('has the matrix of the file, exactly, and draws by it', async () => {
    const given = await readGiven(list(), 1, labelSource(dataset));
    const own = [...given.keys()] as CorruptionConfig[];
    expect(transitionMatrix(own, classes, given)).toEqual(counted);
    const { train, test } = await corrupted(dataset, list(), 1);
    for (const { trueLabels, corruptedLabels } of [train, test]) {
      const drawn = empiricalTransition(trueLabels, corruptedLabels, 3);
      drawn.forEach((row, i) => {
        row.forEach((p, j) => {
          // At least 800 examples of a class.
          expect(Math.abs(p - counted[i]![j]!)).toBeLessThan(6 * Math.sqrt(0.25 / 800));
          if (counted[i]![j] === 0) expect(p).toBe(0);
        });
      });
    }
    // Independent of which examples the file has wrong.
    const first = train.labelChanged.subarray(0, 2400).reduce((sum, flag) => sum + flag, 0);
    expect(Math.abs(first / 2400 - 0.4)).toBeLessThan(6 * Math.sqrt(0.24 / 2400));
  });

  it('is the same whatever part of the training split is used', async () => {
    const positions = Array.from({ length: 500 }, (_, i) => i * 11);
    const part = { ...dataset, train: subset(dataset.train, positions), wholeTrain: dataset.train };
    const whole = await corrupted(dataset, list(), 1);
    const { train } = await corrupted(part, list(), 1);
    expect(train.labels).toEqual(subset(whole.train, positions).labels);
  });

  it('refuses what its file refuses, another file, and a class without examples', async () => {
    const short = list({ file: file('short.txt', '0\n1') });
    await expect(corrupted(dataset, short, 1)).rejects.toThrow('short.txt has 2 labels');
    const other = list({ sha256: '0'.repeat(64) });
    await expect(corrupted(dataset, other, 1)).rejects.toThrow('is not the file');
    const four = { ...dataset, info: { ...dataset.info, classes: classNames(4) } };
    await expect(corrupted(four, list(), 1)).rejects.toThrow('No example of class 3 is there');
  });
});
