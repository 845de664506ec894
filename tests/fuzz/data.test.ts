import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import fc from 'fast-check';
import { describe, it } from 'vitest';
import { readLabelTable } from '../../src/corrupt/label-table.js';
import { entryBytes, readTar } from '../../src/data/archive/tar.js';
import { arraysSource } from '../../src/data/arrays.js';
import { decodeImage } from '../../src/data/image/decode.js';
import { unpickle } from '../../src/data/numpy/pickle.js';
import { readTorch } from '../../src/data/numpy/torch.js';
import { CIFAR_PYTHON, cifarSource } from '../../src/data/published/cifar.js';
import { idxSource } from '../../src/data/published/idx.js';
import { PARQUET } from '../../src/data/published/parquet.js';
import { imagetreeSource } from '../../src/data/tree/imagetree.js';
import {
  cifarFiles,
  cifarForm,
  cifarPythonFiles,
  cifarPythonForm,
  idxFile,
  idxForm,
  noise,
  noiseRecords,
  npy,
  parquetForm,
  plain,
  readAll,
  smallCifar,
  smallIdx,
  tarOf,
  write,
} from '../data/helpers.js';
import { rawTar, rawZip } from '../data/tree/raw-archives.js';
import { temporaryFolder } from '../helpers/temporary-folder.js';
import { zip } from '../helpers/zip.js';
import { mutated } from './mutate.js';
import { survives } from './survive.js';

const folder = temporaryFolder();

/** Mutated before or after it is packed, so that damage lies behind a sound gzip stream too. */
const packed = (good: Buffer) =>
  fc.oneof(
    mutated(good),
    mutated(good).map((bytes) => gzipSync(bytes, { level: 1 })),
    mutated(gzipSync(good, { level: 1 })),
  );

const BLOCK = 512;
/** Every block that looks like a header gets a checksum that fits: hostile, not damaged. */
function withChecksums(tar: Buffer): Buffer {
  const copy = Buffer.from(tar);
  for (let at = 0; at + BLOCK <= copy.length; at += BLOCK) {
    if (copy.toString('latin1', at + 257, at + 262) !== 'ustar') continue;
    copy.fill(' ', at + 148, at + 156);
    const sum = copy.subarray(at, at + BLOCK).reduce((total, byte) => total + byte, 0);
    copy.write(`${sum.toString(8).padStart(6, '0')}\0 `, at + 148, 'latin1');
  }
  return copy;
}

describe('readers of data', () => {
  it('tar', async () => {
    const good = await tarOf([
      { name: 'train/', type: 'directory' },
      { name: 'train/a/1.png', content: noise(700, 1) },
      { name: `${'long/'.repeat(60)}name`, content: 'x' },
      { name: 'train/b/1.png', content: noise(100, 2) },
      { name: 'empty', content: '' },
    ]);
    const path = join(folder, 'any.tar');
    const forged = mutated(good).map(withChecksums);
    await survives('tar', fc.oneof(packed(good), forged, forged), async (bytes) => {
      write(path, bytes);
      for await (const entry of readTar(path, { maxBytes: 2 ** 20 })) await entryBytes(entry);
    });
  }, 3_600_000);

  it('idx', async () => {
    const spec = smallIdx('mnist', 3, 3);
    const images = idxFile([3, 28, 28], noise(3 * 784, 1));
    const labels = idxFile([3], Uint8Array.of(1, 2, 3));
    const form = idxForm(spec);
    const found = form.files.map(({ file, holds, split }) => ({
      file,
      path: write(join(folder, `${split}-${holds}`), holds === 'images' ? images : labels),
    }));
    const source = idxSource(spec, form, found, 'imported');
    const files = fc.record({
      'train-images': fc.option(packed(images), { nil: images }),
      'train-labels': packed(labels),
    });
    await survives('idx', files, async (changed) => {
      for (const [name, bytes] of Object.entries(changed)) write(join(folder, name), bytes);
      await readAll(source, 'train');
    });
  }, 3_600_000);

  it('CIFAR', async () => {
    const spec = smallCifar('cifar10', 1);
    const form = cifarForm(spec);
    const files = [...cifarFiles(spec, noiseRecords(spec))];
    const good = await tarOf(
      files.map(([file, content]) => ({ name: `${form.folder}/${file}`, content })),
    );
    const path = join(folder, 'cifar-10-binary.tar.gz');
    const forged = mutated(good).map(withChecksums);
    await survives('CIFAR', fc.oneof(packed(good), forged), async (bytes) => {
      write(path, bytes);
      await readAll(cifarSource(spec, { form, path, kind: 'archive' }, 'official'), 'train');
    });
  }, 3_600_000);

  it('CIFAR unpacked', async () => {
    const spec = smallCifar('cifar100', 2);
    const form = cifarForm(spec);
    const [[file, good]] = cifarFiles(spec, noiseRecords(spec)) as unknown as [[string, Buffer]];
    const unpacked = temporaryFolder();
    for (const [name, content] of cifarFiles(spec, noiseRecords(spec))) {
      write(join(unpacked, name), content);
    }
    await survives('CIFAR unpacked', mutated(good), async (bytes) => {
      write(join(unpacked, file), bytes);
      await readAll(
        cifarSource(spec, { form, path: unpacked, kind: 'folder' }, 'official'),
        'train',
      );
    });
  }, 3_600_000);

  it('images', async () => {
    const color = { r: 200, g: 100, b: 50 };
    const [png, jpeg] = [await plain(9, 7, color), await plain(9, 7, color, 'jpeg')];
    const size = { height: 8, width: 8, channels: 3 };
    const inputs = fc.oneof(mutated(png), mutated(jpeg));
    await survives('images', inputs, (bytes) =>
      decodeImage(bytes, 'x.png', { size, fit: 'cover' }),
    );
  }, 3_600_000);

  it('zips of images', async () => {
    const image = await plain(8, 8, { r: 1, g: 2, b: 3 });
    const names = ['train/a/1', 'train/b/1.png', 'test/a/1.png', 'test/b/1.png'];
    const entries = names.map((name) => ({ name, content: image }));
    const path = join(folder, 'tree.zip');
    const inputs = fc.oneof(mutated(rawZip(entries, 'store')), mutated(rawZip(entries, 'deflate')));
    await survives('zips of images', inputs, async (bytes) => {
      write(path, bytes);
      await readAll(await imagetreeSource(path, 8), 'train');
    });
  }, 3_600_000);

  it('tars of files with holes', async () => {
    const content = Buffer.concat([Buffer.from('P5 64 64 255\n'), Buffer.alloc(4096)]);
    const parts = [{ offset: 0, length: 512 }];
    const path = join(folder, 'holes.tar');
    const forms = ['gnu', 'pax-0.0', 'pax-0.1', 'pax-1.0'] as const;
    const goods = forms.map((sparse) =>
      rawTar(
        ['train/a/1.pgm', 'train/b/1.pgm', 'test/a/1.pgm'].map((name) => {
          return { name, content, holes: { sparse, parts } };
        }),
      ),
    );
    const inputs = fc.oneof(
      ...goods.flatMap((good) => [mutated(good), mutated(good).map(withChecksums)]),
    );
    await survives('tars of files with holes', inputs, async (bytes) => {
      write(path, bytes);
      await readAll(await imagetreeSource(path, 8), 'train');
    });
  }, 3_600_000);

  it('image trees', async () => {
    const image = await plain(8, 8, { r: 1, g: 2, b: 3 });
    const names = ['train/a/1.png', 'train/b/1.png', 'test/a/1.png', 'test/b/1.png'];
    const good = await tarOf(names.map((name) => ({ name, content: image })));
    const path = join(folder, 'tree.tar');
    const inputs = fc.oneof(mutated(good), mutated(good).map(withChecksums));
    await survives('image trees', inputs, async (bytes) => {
      write(path, bytes);
      await readAll(await imagetreeSource(path, 8), 'train');
    });
  }, 3_600_000);

  const numpyTests = new URL('../data/numpy/', import.meta.url);
  const stored = (name: string, base = numpyTests) =>
    JSON.parse(readFileSync(new URL(name, base), 'utf8'));

  it('pickles', async () => {
    const pickles = Object.values(stored('pickles.json') as Record<string, string>);
    const goods = pickles.map((text) => Buffer.from(text, 'base64'));
    await survives('pickles', fc.oneof(...goods.map(mutated)), (bytes) => unpickle(bytes, 'x.pkl'));
  }, 3_600_000);

  it('CIFAR for Python', async () => {
    const spec = smallCifar('cifar10', 1);
    const form = cifarPythonForm(spec);
    const path = temporaryFolder();
    const files = [...cifarPythonFiles(spec, noiseRecords(spec))];
    for (const [file, content] of files) write(join(path, file), content);
    const [file, good] = files[0]!;
    await survives('CIFAR for Python', mutated(good), async (bytes) => {
      write(join(path, file), bytes);
      const found = { form, path, kind: 'folder', files: [] } as const;
      await readAll(await CIFAR_PYTHON.open(spec, found, 'imported'), 'train');
    });
  }, 3_600_000);

  it('.pt', async () => {
    const { labels } = stored('torch.json') as { labels: Record<string, string> };
    const entries = Object.entries(labels).map(([name, text]) => {
      return [name, Buffer.from(text, 'base64')] as const;
    });
    const path = join(folder, 'x.pt');
    const whole = mutated(zip(Object.fromEntries(entries)));
    // Damage behind a sound zip.
    const inside = fc
      .tuple(...entries.map(([name, bytes]) => mutated(bytes).map((b) => [name, b] as const)))
      .map((changed) => zip(Object.fromEntries(changed)));
    await survives('.pt', fc.oneof(whole, inside), async (bytes) => {
      write(path, bytes);
      await readTorch(path, 1e6);
    });
  }, 3_600_000);

  it('.npz of images', async () => {
    const arrays = {
      'x_train.npy': npy('|u1', '(3, 2, 2, 3)', Buffer.from(noise(36, 1))),
      'y_train.npy': npy('<i8', '(3,)', Buffer.from(new BigInt64Array([0n, 1n, 1n]).buffer)),
      'x_test.npy': npy('|u1', '(1, 2, 2, 3)', Buffer.from(noise(12, 2))),
      'y_test.npy': npy('<U3', '(1,)', Buffer.from('1\0\0\0'.padEnd(12, '\0'))),
    };
    const path = join(folder, 'x.npz');
    const inside = fc
      .tuple(...Object.entries(arrays).map(([n, b]) => mutated(b).map((c) => [n, c] as const)))
      .map((changed) => zip(Object.fromEntries(changed)));
    await survives('.npz of images', fc.oneof(mutated(zip(arrays)), inside), async (bytes) => {
      write(path, bytes);
      await readAll(await arraysSource(path), 'train');
    });
  }, 3_600_000);

  it('Parquet', async () => {
    const spec = smallCifar('cifar10', 1);
    const form = parquetForm(spec);
    const base = new URL('../data/published/', import.meta.url);
    const { train, test } = stored('parquet.json', base) as Record<'train' | 'test', string>;
    const files = (['train', 'test'] as const).map((split) => {
      const file = `${split}.parquet`;
      return { file, path: join(folder, file) };
    });
    write(files[1]!.path, Buffer.from(test, 'base64'));
    const whole = Buffer.from(train, 'base64');
    // The table at the end as often as the pages.
    const table = mutated(whole.subarray(-900)).map((end) =>
      Buffer.concat([whole.subarray(0, -900), end]),
    );
    await survives('Parquet', fc.oneof(mutated(whole), table), async (bytes) => {
      write(files[0]!.path, bytes);
      const found = { form, kind: 'parquet', path: folder, files } as const;
      const source = await PARQUET.open(spec, found, 'imported');
      await readAll(source, 'train');
      await source.part!.labels('train');
    });
  }, 3_600_000);

  it('files of labels', async () => {
    const pickles = Object.values(stored('pickles.json') as Record<string, string>);
    const { labels, old } = stored('torch.json') as {
      labels: Record<string, string>;
      old: string;
    };
    const decoded = Object.entries(labels).map(([name, text]) => {
      return [name, Buffer.from(text, 'base64')] as const;
    });
    const path = join(folder, 'labels');
    const goods = [
      Buffer.from(pickles[0]!, 'base64'),
      zip(Object.fromEntries(decoded)),
      Buffer.from(old, 'base64'),
      npy('<i8', '(3,)', Buffer.from(new BigInt64Array([0n, 1n, 1n]).buffer)),
      Buffer.from(
        npy("[('true', '<i8'), ('label', '<i8')]", '(3,)', Buffer.alloc(48))
          .toString('latin1')
          .replace("'[", ' [')
          .replace("]'", '] '),
        'latin1',
      ),
      Buffer.from('index,label\n0,cat\n1,"dog"\n2,cat\n'),
      Buffer.from('[0, 1, "cat"]'),
      Buffer.from('0.0e+00\n1.0e+00\n2\n'),
    ];
    await survives('files of labels', fc.oneof(...goods.map(mutated)), async (bytes) => {
      write(path, bytes);
      await readLabelTable(path, 3, ['cat', 'dog']);
    });
  }, 3_600_000);
});
