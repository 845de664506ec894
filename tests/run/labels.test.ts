import { spawnSync } from 'node:child_process';
import { copyFileSync, existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { loadExperiment } from '../../src/config/experiment.js';
import type { Config } from '../../src/config/resolve.js';
import { packImages } from '../../src/data/shards/pack.js';
import { runExperiment } from '../../src/run/index.js';
import { exportLabels, exportRunLabels } from '../../src/run/labels.js';
import { openData } from '../../src/setup/data.js';
import { cli } from '../cli/helpers.js';
import { failure, noise, npy, png, type TarItem, write, writeTar } from '../data/helpers.js';
import { temporaryFolder } from '../helpers/temporary-folder.js';
import { zip } from '../helpers/zip.js';

const PYTHON = process.env.RETHINK_GEN_TEST_PYTHON ?? 'python3';
const numpyIsHere = spawnSync(PYTHON, ['-c', 'import numpy']).status === 0;

/** Classes whose names look like the numbers of others. */
const CLASSES = ['0', '1', '10', '2'];
const folder = temporaryFolder();
const at = (name: string) => join(folder, name);

beforeAll(async () => {
  const items: TarItem[] = await Promise.all(
    CLASSES.flatMap((name, label) =>
      Array.from({ length: 8 }, async (_, i) => ({
        name: `${i < 6 ? 'train' : 'test'}/${name}/${i}.png`,
        content: await png(noise(8 * 8 * 3, 10 * label + i), 8, 8),
      })),
    ),
  );
  for (const { name, content } of items) write(join(folder, 'tree', name), content!);
  await writeTar(at('tree.tar'), items);
  await writeTar(at('tree.tar.gz'), items);
  write(join(folder, 'torn/train/1/7.png'), 'no image');
  for (const { name, content } of items) write(join(folder, 'torn', name), content!);
  await packImages({ data: { name: 'imagetree', dir: at('torn') }, out: at('pack'), size: 8 });
  const labels = (values: number[]) => npy('|u1', `(${values.length},)`, Uint8Array.from(values));
  const images = (n: number) => npy('|u1', `(${n}, 8, 8, 3)`, noise(n * 192, n));
  const arrays = {
    'x_train.npy': images(6),
    'y_train.npy': labels([2, 0, 1, 1, 0, 2]),
    'x_test.npy': images(2),
    'y_test.npy': labels([0, 1]),
  };
  writeFileSync(at('arrays.npz'), zip(arrays));
});

const own = (dir: string, more: object = {}) => ({
  name: 'imagetree',
  dir: at(dir),
  size: 8,
  ...more,
});
const NOISE = { kind: 'partial-labels', fraction: 0.6 };

async function configOf(data: object, corruption: object = NOISE): Promise<Config> {
  const { trials } = await loadExperiment({
    name: 'labels',
    data,
    corruption,
    model: { name: 'mlp', hidden: [4] },
    train: { epochs: 2, batchSize: 4, stop: 'never' },
    engine: { name: 'wasm' },
    record: { tensorboard: false },
  });
  return trials[0]!.config;
}

/** Every kind of data, and every way to take a part of it. */
const DATA: [string, () => object][] = [
  ['synthetic data', () => ({ name: 'synthetic', limit: 40, testLimit: 10 })],
  ['a tree, divided', () => own('tree', { split: { from: 'train', train: 12, test: 6 } })],
  ['an image tree', () => own('tree')],
  ['a part of a tar', () => own('tree.tar', { limit: 8 })],
  ['classes of a tar.gz', () => own('tree.tar.gz', { subset: { synsets: ['1', '10', '2'] } })],
  ['images of a tree on the disk', () => own('tree', { subset: { perClass: 3 }, stream: true })],
  ['a pack without an image that was damaged', () => own('pack')],
  ['classes of a pack', () => own('pack', { subset: { classes: 2, perClass: 4, seed: 1 } })],
  ['arrays', () => ({ name: 'arrays', dir: at('arrays.npz') })],
];

describe('labels that are written', () => {
  it.each(DATA)('are those of the run, and are taken back by another: %s', async (_, dataOf) => {
    const data = dataOf();
    const config = await configOf(data);
    const { data: corrupted } = await openData(config, {});
    // Generating thousands of images takes longer than all else here.
    for (const form of config.data.name === 'synthetic' ? ['npy'] : ['csv', 'npy']) {
      const out = join(temporaryFolder(), `labels.${form}`);
      const written = await exportLabels(config, { out });
      const { count, labelDrawn, labelChanged } = corrupted.train;
      const sum = (flags: Uint8Array) => flags.reduce((n, flag) => n + flag, 0);
      const drawn = { drawn: sum(labelDrawn), changed: sum(labelChanged) };
      expect(written).toMatchObject({ path: out, used: count, split: 'train', ...drawn });
      const again = await openData(await configOf(data, { kind: 'label-file', file: out }), {});
      expect(again.data.train.labels).toEqual(corrupted.train.labels);
      expect(again.data.train.labelChanged).toEqual(labelChanged);
    }
  });

  it('have a row for each example of the source, in its order, and say which are used', async () => {
    const config = await configOf(own('pack', { subset: { synsets: ['1', '2'] }, limit: 4 }));
    const out = join(temporaryFolder(), 'labels.csv');
    await exportLabels(config, { out });
    const rows = readFileSync(out, 'utf8').trim().split('\n');
    expect(rows[0]).toBe('index,true_label,label,true_class,class,drawn,changed,used');
    // Of 25 images: 6 of class 0, 7 of which one is damaged, 6 of class 10, 6.
    expect(rows).toHaveLength(1 + 25);
    expect(rows[1]).toBe('0,,,,,0,0,0');
    const cells = rows.slice(1).map((row) => row.split(','));
    const known = cells.filter(([, label]) => label !== '');
    expect(known.map(([index]) => Number(index))).toEqual([
      6, 7, 8, 9, 10, 11, 19, 20, 21, 22, 23, 24,
    ]);
    expect(known.map((row) => row[1]).join('')).toBe('000000111111');
    expect(known.map((row) => row[3]).join('')).toBe('111111222222');
    const { data } = await openData(config, {});
    const used = known.filter((row) => row[7] === '1');
    expect(used.map(([index]) => Number(index))).toEqual([...data.train.indices]);
    expect(used.map((row) => Number(row[2]))).toEqual([...data.train.labels]);
    expect(used.map((row) => Number(row[5]))).toEqual([...data.train.labelDrawn]);
  });

  it('are those of the test set where it is asked for, as if they were equally corrupted', async () => {
    const config = await configOf(own('tree', { testLimit: 5 }));
    const out = join(temporaryFolder(), 'labels.csv');
    const written = await exportLabels(config, { out, split: 'test' });
    const { data } = await openData(config, {});
    const rows = readFileSync(out, 'utf8').trim().split('\n').slice(1);
    expect(written).toMatchObject({ count: 8, used: 5, split: 'test' });
    const used = rows.map((row) => row.split(',').map(Number)).filter((row) => row[7] === 1);
    expect(used.map((row) => row[1])).toEqual([...data.test.labels]);
    expect(used.map((row) => row[2])).toEqual([...data.test.corruptedLabels]);
  });

  it('are refused where they have no form, or the file is there', async () => {
    const config = await configOf({ name: 'synthetic' });
    const there = write(join(temporaryFolder(), 'a.csv'), 'mine');
    for (const [out, why] of [
      ['labels.txt', 'Labels are written as .csv or .npy, not as "labels.txt".'],
      ['labels', 'not as "labels"'],
      [there, 'exists already.'],
    ] as const) {
      const error = await failure(() => exportLabels(config, { out }));
      expect([error.kind, error.message]).toEqual(['usage', expect.stringContaining(why)]);
    }
    expect(readFileSync(there, 'utf8')).toBe('mine');
  });

  it.runIf(numpyIsHere)('are read by NumPy, aligned', async () => {
    const config = await configOf(own('tree', { limit: 9 }));
    const [out, csv] = [join(temporaryFolder(), 'labels.npy'), join(temporaryFolder(), 'l.csv')];
    await exportLabels(config, { out });
    await exportLabels(config, { out: csv });
    const script = `
import numpy as np, sys
a, b = np.load(sys.argv[1]), np.genfromtxt(sys.argv[2], delimiter=',', names=True, dtype=None, encoding='utf8')
assert a.shape == (24,) and a['label'].dtype == np.int64 and a['label'].strides[0] % 8 == 0
assert a['drawn'].dtype == bool and a['used'].sum() == 9
assert ((a['label'] != a['true_label']) == a['changed']).all()
for name in a.dtype.names: assert (a[name] == b[name]).all(), name
print('same')`;
    const { stdout, stderr } = spawnSync(PYTHON, ['-c', script, out, csv], { encoding: 'utf8' });
    expect([stdout.trim(), stderr]).toEqual(['same', '']);
  });
});

describe('labels of a run', () => {
  const results = at('results');
  const steps = (runDir: string) => readFileSync(join(runDir, 'steps.csv'), 'utf8');
  /** Without what a clock decides. */
  const numbers = (runDir: string) => {
    const [head = '', ...rows] = steps(runDir).trim().split('\n');
    const clock = head.split(',').findIndex((name) => /second/.test(name));
    return rows.map((row) =>
      row
        .split(',')
        .toSpliced(clock, clock < 0 ? 0 : 1)
        .join(','),
    );
  };
  let runDir = '';
  beforeAll(async () => {
    copyFileSync(at('arrays.npz'), at('run.npz'));
    const config = await configOf({ name: 'arrays', dir: at('run.npz') });
    runDir = (await runExperiment(config, { out: results })).runDir;
  });

  it('train another run to the same steps', async () => {
    const out = join(temporaryFolder(), 'labels.npy');
    const { code, stdout, stderr } = await cli([
      'data',
      'labels',
      join(results, 'latest'),
      '--out',
      out,
    ]);
    expect([code, stderr]).toEqual([0, expect.any(String)]);
    expect(stdout).toMatch(
      /labels\.npy: 6 labels of arrays train; of all that are used \d were drawn/,
    );
    const config = await configOf(
      { name: 'arrays', dir: at('arrays.npz') },
      { kind: 'label-file', file: out },
    );
    const other = await runExperiment(config, { out: temporaryFolder() });
    expect(numbers(other.runDir)).toEqual(numbers(runDir));
    expect(numbers(runDir).length).toBeGreaterThan(1);
  });

  it('are compared with its hashes: other data is refused, and a new place may be given', async () => {
    const out = () => join(temporaryFolder(), 'labels.csv');
    const elsewhere = [{ key: 'data.dir', path: at('arrays.npz') }];
    const other = at('other.npz');
    const labels = npy('|u1', '(6,)', Uint8Array.of(2, 0, 1, 1, 0, 2));
    const images = (n: number) => npy('|u1', `(${n}, 8, 8, 3)`, noise(n * 192, n + 1));
    const test = npy('|u1', '(2,)', Uint8Array.of(0, 1));
    writeFileSync(
      other,
      zip({
        'x_train.npy': images(6),
        'y_train.npy': labels,
        'x_test.npy': images(2),
        'y_test.npy': test,
      }),
    );
    const moved = await exportRunLabels(runDir, { out: out() }, elsewhere);
    expect(moved.count).toBe(6);
    const target = out();
    const error = await failure(() =>
      exportRunLabels(runDir, { out: target }, [{ key: 'data.dir', path: other }]),
    );
    expect([error.kind, error.message]).toEqual(['data', expect.stringContaining('are not those')]);
    expect(existsSync(target)).toBe(false);
    const changed = await cli(['data', 'labels', runDir, 'corruption=none', '--out', out()]);
    expect([changed.code, changed.stderr]).toEqual([
      2,
      expect.stringContaining("can't be given to a run, which has its own config"),
    ]);
  });

  it('of a sweep are those of one trial, chosen by an override', async () => {
    const out = join(temporaryFolder(), 'labels.csv');
    const argv = ['data', 'labels', 'quickstart', '--out', out];
    const all = await cli(argv);
    expect(all.code).toBe(2);
    expect(all.stderr.replace(/\s+/g, ' ')).toContain(
      'is a sweep whose trials have different labels: corruption.kind=none and corruption.kind=random-labels',
    );
    const one = await cli([...argv, 'corruption.kind=random-labels', '--json']);
    expect(one.code).toBe(0);
    expect(JSON.parse(one.stdout)).toMatchObject({ event: 'labels', count: 5000, drawn: 2000 });
  });
});
