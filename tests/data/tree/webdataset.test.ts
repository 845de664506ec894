import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { loadDataset } from '../../../src/data/load.js';
import { openDataset } from '../../../src/data/open.js';
import { packImages } from '../../../src/data/shards/pack.js';
import { openSource } from '../../../src/data/source.js';
import { cli } from '../../cli/helpers.js';
import { temporaryFolder } from '../../helpers/temporary-folder.js';
import { failure, noise, png, type TarItem, write, writeTar } from '../helpers.js';

const image = (seed: number) => png(noise(8 * 8 * 3, seed), 8, 8);

/** Samples of WebDataset: an image, its label, and what else may lie beside them. */
async function samples(labels: (number | string)[], first: number): Promise<TarItem[]> {
  const items = await Promise.all(
    labels.map(async (label, i) => [
      { name: `${first + i}.png`, content: await image(first + i) },
      { name: `${first + i}.cls`, content: `${label}\n` },
      { name: `${first + i}.json`, content: '{}' },
    ]),
  );
  return items.flat();
}

/** The same images as a tree. */
async function treeOf(splits: Record<'train' | 'test', (number | string)[]>, firsts: number[]) {
  const folder = temporaryFolder();
  for (const [n, split] of (['train', 'test'] as const).entries()) {
    for (const [i, label] of splits[split].entries()) {
      const seed = firsts[n]! + i;
      write(join(folder, split, String(label), `${seed}.png`), await image(seed));
    }
  }
  return folder;
}

const data = (dir: string) => ({ name: 'imagetree' as const, dir, size: 8 });
const load = (dir: string) => loadDataset(data(dir), { seed: 0 });

describe('shards of WebDataset', () => {
  const labels = { train: [1, 0, 1, 0, 0, 1], test: [1, 0] };

  async function folder(): Promise<string> {
    const dir = temporaryFolder();
    await writeTar(join(dir, 'set-train-000000.tar'), await samples(labels.train.slice(0, 4), 10));
    await writeTar(join(dir, 'set-train-000001.tar'), await samples(labels.train.slice(4), 14));
    await writeTar(join(dir, 'set-val-000000.tar'), await samples(labels.test, 30));
    return dir;
  }

  it('are the images of the tree that they stand for, in memory, streamed and packed', async () => {
    const dir = await folder();
    const [shards, tree] = [await load(dir), await load(await treeOf(labels, [10, 30]))];
    expect(shards.hash).toBe(tree.hash);
    const { dataset } = await openDataset({ ...data(dir), stream: true }, { seed: 0 });
    expect(dataset.hash).toBe(tree.hash);
    const packed = await packImages({ data: data(dir), out: temporaryFolder(), size: 8 });
    expect(packed.hash).toBe(tree.hash);
  });

  it('are told for files and images of samples that are not read, which verify lists, of a pack, too', async () => {
    const dir = temporaryFolder();
    const further = async (key: number): Promise<TarItem[]> => [
      { name: `${key}.seg.png`, content: await image(key) },
      { name: `${key}.depth.left.jpg`, content: await image(key) },
    ];
    const train = [
      ...(await samples([0, 1, 1], 10)),
      ...(await further(10)),
      ...(await further(11)),
    ];
    await writeTar(join(dir, 'train-0.tar'), [...train, { name: 'README', content: 'mine' }]);
    await writeTar(join(dir, 'val-0.tar'), [...(await samples([0], 30)), ...(await further(30))]);
    const { notes, others } = await openSource(data(dir), {});
    expect(notes).toEqual([
      '5 files are no images: 4 .json, 1 without an ending.',
      '6 further images of samples are not read: 3 .depth.left.jpg, 3 .seg.png.',
    ]);
    expect(others).toHaveLength(11);
    const out = temporaryFolder();
    await packImages({ data: data(dir), out, size: 8 });
    for (const path of [dir, out]) {
      const { code, stdout } = await cli(['data', 'verify', path]);
      const listed = stdout.split('\n').filter((line) => line.startsWith('  not read: '));
      expect([code, listed]).toEqual([0, others!.map((name) => `  not read: ${name}`)]);
      expect(listed).toContain('  not read: train-0.tar/11.seg.png');
    }
  });

  it('may lie in folders of their splits, with labels that are names', async () => {
    const dir = temporaryFolder();
    const named = { train: ['dog', 'cat'], test: ['cat'] };
    await writeTar(join(dir, 'train/0.tar'), await samples(named.train, 10));
    await writeTar(join(dir, 'Valid/0.tar'), await samples(named.test, 30));
    expect((await load(dir)).hash).toBe((await load(await treeOf(named, [10, 30]))).hash);
  });

  it('have the classes in order of their numbers', async () => {
    const dir = temporaryFolder();
    await writeTar(join(dir, 'train.tar'), await samples([10, 9, 2], 10));
    await writeTar(join(dir, 'test.tar'), await samples([10], 30));
    expect((await load(dir)).info.classes).toEqual(['2', '9', '10']);
  });

  it.each([
    ['no image', [{ name: '99.cls', content: '1' }], /"99\.cls" has no image/],
    ['no label', [{ name: '99.png', content: 'x' }], /"99\.png" has no label, "99\.cls"/],
    [
      'two images',
      [{ name: '10.jpg', content: 'x' }],
      /"10\.\w+" is the second image of its sample/,
    ],
    [
      'a dot in its key',
      [{ name: 'a.b.cls', content: '1' }],
      /"a\.b\.cls" has two dots, and a key ends at the first/,
    ],
    ['an empty label', [{ name: '10.cls', content: ' ' }], /"10\.cls" is empty/],
  ] as [string, TarItem[], RegExp][])(
    'are refused for a sample with %s',
    async (_, more, message) => {
      const dir = await folder();
      const items = [...(await samples([0, 1], 10)), ...more];
      await writeTar(join(dir, 'set-train-000000.tar'), items);
      expect((await failure(() => load(dir))).message).toMatch(message);
    },
  );

  it('name the split that is missing, and a shard that is given alone', async () => {
    const dir = temporaryFolder();
    const shard = await writeTar(join(dir, 'train-0.tar'), await samples([0, 1], 10));
    expect((await failure(() => load(dir))).message).toBe(`${dir} has no shards test*.tar.`);
    expect((await failure(() => load(shard))).hint).toMatch(/name the folder of train\*\.tar/);
  });
});
