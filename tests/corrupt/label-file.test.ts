import { execFileSync } from 'node:child_process';
import { truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import type { CorruptionConfig } from '../../src/config/corruptions.js';
import { corruptDataset, empiricalTransition, transitionMatrix } from '../../src/corrupt/index.js';
import { labelsFrom, readLabelFile } from '../../src/corrupt/label-file.js';
import { readTransition } from '../../src/corrupt/transition-file.js';
import { cifarSource } from '../../src/data/published/cifar.js';
import { CIFAR10_CLASSES } from '../../src/data/published/classes.js';
import type { Dataset, DatasetInfo } from '../../src/data/types.js';
import { errorOf } from '../config/helpers.js';
import { cifarForm, readAll, smallCifar } from '../data/helpers.js';
import { temporaryFolder } from '../helpers/temporary-folder.js';
import { corrupted as corruptedWith } from './helpers.js';

const COUNT = 20_000;

function dataset(changes: Partial<DatasetInfo> = {}, count = COUNT): Dataset {
  const info: DatasetInfo = {
    name: 'cifar10',
    height: 1,
    width: 1,
    channels: 1,
    classes: [...CIFAR10_CLASSES],
    counts: { train: count, test: count },
    origin: 'official',
    ...changes,
  };
  const split = () => ({
    images: new Uint8Array(count),
    labels: Int32Array.from({ length: count }, (_, i) => i % 10),
    indices: Uint32Array.from({ length: count }, (_, i) => i),
    count,
  });
  return {
    info,
    train: split(),
    test: split(),
    statistics: { mean: [0], variance: [0] },
    hash: '',
  };
}

const corruption = (given: Partial<CorruptionConfig> & Pick<CorruptionConfig, 'kind'>) => ({
  fraction: 1,
  channels: 'together' as const,
  statistics: 'channel' as const,
  ...given,
});

async function file(name: string, text: string): Promise<string> {
  const path = join(temporaryFolder(), name);
  writeFileSync(path, text);
  return path;
}

const number = (name: string) => CIFAR10_CLASSES.indexOf(name);

describe('asymmetric-flips', () => {
  it('changes the classes that are mistaken for others, to those, at the asked rate', () => {
    const given = corruption({ kind: 'asymmetric-flips', fraction: 0.4 });
    const { train, test } = corruptDataset(dataset(), [given], 7);
    const counted = empiricalTransition(train.trueLabels, train.labels, 10);
    const expected = transitionMatrix([given], CIFAR10_CLASSES);
    // 2,000 of each class: five standard deviations of a rate of 0.4 are 0.055.
    counted.forEach((row, i) => {
      row.forEach((p, j) => {
        expect(Math.abs(p - expected[i]![j]!)).toBeLessThan(expected[i]![j] === 0 ? 1e-12 : 0.06);
      });
    });
    expect(expected[number('truck')]![number('automobile')]).toBeCloseTo(0.4);
    expect(expected[number('bird')]![number('airplane')]).toBeCloseTo(0.4);
    expect(expected[number('cat')]![number('dog')]).toBeCloseTo(0.4);
    expect(expected[number('dog')]![number('cat')]).toBeCloseTo(0.4);
    expect(expected[number('deer')]![number('horse')]).toBeCloseTo(0.4);
    for (const safe of ['airplane', 'automobile', 'frog', 'horse', 'ship']) {
      expect(expected[number(safe)]![number(safe)]).toBe(1);
    }
    expect(test.labels).toEqual(test.trueLabels);
  });

  it('is refused where the classes are not those of CIFAR-10', async () => {
    const given = corruption({ kind: 'asymmetric-flips', fraction: 0.4 });
    const other = dataset({ classes: ['a', 'b', 'c'] });
    expect(await errorOf(() => corruptDataset(other, [given], 7))).toMatch(
      /^asymmetric-flips is defined on the classes of CIFAR-10 and CIFAR-100, not on 3 classes \(a, b, c, …\)\./,
    );
  });
});

describe('label-file', () => {
  const small = dataset({}, 4);
  const read = async (path: string, info = small.info, indices = [0], column?: string) => {
    const given = await readLabelFile({ file: path, ...(column && { column }) }, info);
    return [...labelsFrom(given, info, indices, indices)];
  };
  /** The small data set with the labels of a file. */
  const labeled = async (path: string, data = small) => {
    const list = [corruption({ kind: 'label-file', file: path })];
    return corruptedWith(data, list, 0);
  };

  it.each([
    ['labels.txt', '9\n8\n7\n6\n'],
    ['labels.csv', '\uFEFFlabel\r\n9\r\n"ship"\r\n7\r\nfrog'],
    ['labels.json', '[9, "ship", 7, "frog"]'],
  ])('reads %s', async (name, text) => {
    const path = await file(name, text);
    const { train, test } = await labeled(path);
    expect([...train.labels]).toEqual([9, 8, 7, 6]);
    expect([...train.labelChanged]).toEqual([1, 1, 1, 1]);
    expect([...test.labels]).toEqual([0, 1, 2, 3]);
  });

  it('goes by the index in the source, not in a subset', async () => {
    const path = await file('labels.txt', '9\n8\n7\n6');
    const { train } = small;
    const subset = {
      ...small,
      train: { ...train, count: 2, indices: Uint32Array.of(3, 1), labels: Int32Array.of(3, 8) },
    };
    const corrupted = await labeled(path, subset);
    expect([...corrupted.train.labels]).toEqual([6, 8]);
    expect([...corrupted.train.labelChanged]).toEqual([1, 0]);
  });

  it('may leave out labels of examples that are not used, where true labels vouch for the order', async () => {
    const { train } = small;
    const two = { ...train, count: 2, indices: Uint32Array.of(3, 1), labels: Int32Array.of(3, 1) };
    const subset = { ...small, train: two };
    const rows = ['label,true_label', ',', '8,1', ',', '6,3'];
    const corrupted = await labeled(await file('some.csv', rows.join('\n')), subset);
    expect([...corrupted.train.labels]).toEqual([6, 8]);
    const missing = labeled(await file('none.csv', rows.join('\n').replace('8,1', ',1')), subset);
    await expect(missing).rejects.toThrow('label 2 is ""');
    const alone = labeled(await file('alone.csv', 'index,label\n0,\n1,8\n2,\n3,6'), subset);
    await expect(alone).rejects.toThrow('label 1 is ""');
  });

  describe('with data.subset', () => {
    const of = { train: 6, test: 6, classes: 3 };
    const choice = { perClass: null, testPerClass: null, seed: 0, of };
    /** Of ant, bee and cow, two images each, what `synsets` leaves. */
    const chosen = (synsets: string[], train = 2 * synsets.length) => ({
      ...small.info,
      name: 'imagetree',
      classes: synsets,
      counts: { train, test: train },
      origin: 'images' as const,
      subset: { ...choice, synsets },
    });
    const ofTwo = chosen(['ant', 'cow']);

    it.each([
      ['labels.txt', 'ant\ncow\nbee\nwasp\nant\ncow'],
      ['labels.json', '["ant", "cow", "bee", 17, "ant", "cow"]'],
    ])('goes by names of classes, and by places in the whole source: %s', async (name, text) => {
      const path = await file(name, text);
      expect(await read(path, ofTwo, [0, 1, 4, 5])).toEqual([0, 1, 0, 1]);
      expect(await read(path, ofTwo, [5])).toEqual([1]);
    });

    it('takes numbers where all classes are there', async () => {
      const path = await file('labels.txt', '2\n1\n0\nbee\n1\n0');
      expect(await read(path, chosen(['ant', 'bee', 'cow'], 3), [0, 3, 5])).toEqual([2, 1, 0]);
    });

    it.each([
      [
        'ant\ncow\nant\ncow',
        'labels.txt has 4 labels, but all of imagetree has 6 training examples.',
      ],
      ['0\n0\n1\n1\n2\n2', 'label 5 is "2", and data.subset numbers 2 of 3 classes anew.'],
      ['0\n0\n1\n1\n0\n0', 'label 5 is "0", and data.subset numbers 2 of 3 classes anew.'],
      ['ant\nant\nbee\nbee\nbee\ncow', 'label 5 is "bee", which is no class of data.subset.'],
    ])('refuses %j', async (text, message) => {
      const path = await file('labels.txt', text);
      expect(await errorOf(() => read(path, ofTwo, [4, 5]), path)).toContain(message);
    });

    it('refuses a line that may be a name or a number', async () => {
      const digits = { ...chosen(['1', '10', '2']), subset: undefined };
      const path = await file('labels.txt', '0\n1\n1\n1\n1\n1');
      expect(await errorOf(() => read(path, digits, [0]), path)).toContain(
        'label 2 is "1", which is the name of class 0 and may be a number as well.',
      );
      const strings = await file('names.json', '["1", "10", "2", 0, 1, 2]');
      expect(await read(strings, digits, [0, 1, 2, 3, 4, 5])).toEqual([0, 1, 2, 0, 1, 2]);
    });
  });

  it.each([
    ['1\n2\n3', 'labels.txt has 3 labels, but cifar10 has 4 training examples.'],
    ['1\n2\n3\n4\n5', 'labels.txt has 5 labels, but cifar10 has 4 training examples.'],
    ['1\n2\n\n3', 'labels.txt: label 3 is "", which is no class of cifar10.'],
    ['1\n2\n3\n10', 'labels.txt: label 4 is "10", which is no class of cifar10.'],
    ['1\n2\n3\n1.5', 'labels.txt: label 4 is "1.5", which is no class of cifar10.'],
  ])('refuses %j', async (text, message) => {
    const path = await file('labels.txt', text);
    expect(await errorOf(() => read(path), path)).toContain(message);
  });

  it('refuses data whose order is not the published one, and files that can not be read', async () => {
    const path = await file('labels.json', '{"labels": []}');
    const imported: DatasetInfo = { ...small.info, origin: 'imported' };
    expect(await errorOf(() => read(path, imported), path)).toContain(
      "Labels from labels.json can't be given to cifar10: its images are not in the published order (imported).",
    );
    expect(await errorOf(() => read(path), path)).toContain('labels.json has 0 labels');
    expect(await errorOf(() => read('absent.txt'))).toBe('There is no file absent.txt.');
    const deep = await file('deep.json', `[0, 1, 2, ${'['.repeat(100_000)}${']'.repeat(100_000)}]`);
    expect(await errorOf(() => read(deep), deep)).toMatch(
      /label 4 is no number or name|not valid JSON/,
    );
  });

  // A config from a stranger can name any of these.
  it.runIf(process.platform === 'linux')(
    'refuses files that never end or never begin',
    async () => {
      const pipe = join(temporaryFolder(), 'pipe');
      execFileSync('mkfifo', [pipe]);
      const spec = smallCifar('cifar10', 1);
      const form = cifarForm(spec);
      for (const path of ['/dev/zero', '/dev/stdin', pipe]) {
        for (const attempt of [
          () => read(path),
          () => readTransition(path, 2),
          () => readAll(cifarSource(spec, { form, path, kind: 'archive' }, 'official'), 'train'),
        ]) {
          expect(await errorOf(attempt)).toMatch(/not a regular file\.$/);
        }
      }
      const huge = await file('huge.txt', '');
      truncateSync(huge, 2 ** 33);
      expect(await errorOf(() => read(huge), huge)).toBe(
        'huge.txt has more than 268,435,456 bytes.',
      );
    },
  );
});

describe('a transition matrix in a file', () => {
  it('is read from CSV and JSON', async () => {
    const expected = [
      [0.9, 0.1],
      [0, 1],
    ];
    expect(readTransition(await file('t.csv', '0.9,0.1\n0,1\n'), 2)).toEqual(expected);
    expect(readTransition(await file('t.json', '[[0.9, 0.1], [0, 1]]'), 2)).toEqual(expected);
  });

  it.each([
    ['0.9,0.1', 't.csv is no transition matrix: it has 1 rows, and there are 2 classes.'],
    ['0.9,0.1\n0.5', 't.csv is no transition matrix: row 2 has 1 number, and there are 2 rows.'],
    [
      '0.9,0.1\n,1',
      't.csv is no transition matrix: row 2 has NaN in column 1, not a number from 0 to 1.',
    ],
    [
      '0.9,0.1\n-0.1,1.1',
      't.csv is no transition matrix: row 2 has -0.1 in column 1, not a number from 0 to 1.',
    ],
    ['[[1]]', 't.csv is no transition matrix: it has 1 rows, and there are 2 classes.'],
    ['0.9,0.2\n0,1', 't.csv is no transition matrix: row 1 sums to 1.1'],
  ])('is refused as %j', async (text, message) => {
    const path = await file('t.csv', text);
    expect(await errorOf(() => readTransition(path, 2), path)).toContain(message);
  });
});
