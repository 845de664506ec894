import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { entryBytes, readTar } from '../../../src/data/archive/tar.js';
import { decodeImage } from '../../../src/data/image/decode.js';
import { PUBLISHED } from '../../../src/data/published/catalog.js';
import { cifarSource } from '../../../src/data/published/cifar.js';
import type { SplitName } from '../../../src/data/types.js';
import { temporaryFolder } from '../../helpers/temporary-folder.js';
import {
  cifarFiles,
  cifarForm,
  failure,
  noiseRecords,
  readAll,
  realData,
  smallCifar,
  write,
  writeTar,
} from '../helpers.js';

describe('what is published', () => {
  it('adds up', () => {
    for (const spec of Object.values(PUBLISHED)) {
      expect(spec.classes.length).toBe(spec.name === 'cifar100' ? 100 : 10);
      expect(new Set(spec.classes).size).toBe(spec.classes.length);
      const [form] = spec.forms;
      if (form.layout !== 'cifar') continue;
      for (const split of ['train', 'test'] as const) {
        const parts = form.parts.filter((part) => part.split === split);
        expect(parts.reduce((sum, part) => sum + part.records, 0)).toBe(spec.counts[split]);
      }
    }
  });
});

describe.each(['cifar10', 'cifar100'] as const)('%s in the official layout', (name) => {
  const spec = smallCifar(name, 6);
  const form = cifarForm(spec);
  const records = noiseRecords(spec);
  const files = cifarFiles(spec, records);

  async function archive(): Promise<string> {
    // In another order than the official one, with the files that lie beside: indices must not depend on it.
    const entries = [...files].map(([file, content]) => ({
      name: `${form.folder}/${file}`,
      content,
    }));
    return writeTar(join(temporaryFolder(), 'any-name.tar.gz'), [
      { name: `${form.folder}/`, type: 'directory' },
      ...entries.reverse(),
      { name: `${form.folder}/readme.html`, content: '<html></html>' },
    ]);
  }

  it('reads an archive', async () => {
    const source = cifarSource(spec, { form, path: await archive(), kind: 'archive' }, 'official');
    expect(source.info.counts).toEqual(spec.counts);
    for (const split of ['train', 'test'] as const) {
      const read = await readAll(source, split);
      expect(read.sort((a, b) => a.index - b.index)).toEqual(records[split]);
    }
  });

  it('reads unpacked files in order', async () => {
    const folder = temporaryFolder();
    for (const [file, content] of files) write(join(folder, file), content);
    const source = cifarSource(spec, { form, path: folder, kind: 'folder' }, 'official');
    expect(await readAll(source, 'train')).toEqual(records.train);
    expect(await readAll(source, 'test')).toEqual(records.test);
  });

  it('gives the same every time, and can be left early', async () => {
    const source = cifarSource(spec, { form, path: await archive(), kind: 'archive' }, 'official');
    for await (const first of source.read('train')) {
      expect(first.image.length).toBe(3072);
      break;
    }
    expect(await readAll(source, 'train')).toEqual(await readAll(source, 'train'));
  });

  it('names an unpacked file that is missing, too short, or of another kind', async () => {
    const folder = temporaryFolder();
    for (const [file, content] of files) write(join(folder, file), content);
    const part = form.parts[0]!;
    const source = cifarSource(spec, { form, path: folder, kind: 'folder' }, 'official');
    write(join(folder, part.file), files.get(part.file)!.subarray(1));
    expect((await failure(() => readAll(source, 'test'))).message).toContain(part.file);
    const wrong = Buffer.from(files.get(part.file)!);
    wrong[form.labelBytes - 1] = 200;
    write(join(folder, part.file), wrong);
    expect((await failure(() => readAll(source, 'train'))).message).toMatch(
      /record 0 has label 200/,
    );
  });
});

const images = realData('cifar10-images.tar.gz');
describe(`real CIFAR-10 images${images ? '' : ' (skipped: no shared/data)'}`, () => {
  it.skipIf(!images)('come back from an official archive made of them', async () => {
    const spec = smallCifar('cifar10', 20);
    const form = cifarForm(spec);
    const records: Record<SplitName, { label: number; image: Uint8Array }[]> = {
      train: [],
      test: [],
    };
    for await (const entry of readTar(images!, { maxBytes: 2 ** 30 })) {
      const [, split, name, number] = /^(train|test)\/(\w+)\/(\d+)\.jpg$/.exec(entry.name) ?? [];
      // Ten training images and two test images of each class.
      if (split === undefined || Number(number) % 500 !== 7) continue;
      const image = await decodeImage(await entryBytes(entry), entry.name, {
        size: spec,
        fit: 'exact',
      });
      records[split as SplitName].push({ label: spec.classes.indexOf(name!), image });
    }
    expect(records.train.length).toBe(spec.counts.train);
    expect(records.test.length).toBe(spec.counts.test);
    const files = [...cifarFiles(spec, records)];
    const path = await writeTar(
      join(temporaryFolder(), 'cifar-10-binary.tar.gz'),
      files.map(([file, content]) => ({ name: `${form.folder}/${file}`, content })),
    );
    const source = cifarSource(spec, { form, path, kind: 'archive' }, 'imported');
    for (const split of ['train', 'test'] as const) {
      const read = await readAll(source, split);
      expect(read.map(({ label, image }) => ({ label, image }))).toEqual(records[split]);
    }
  });
});
