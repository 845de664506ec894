import { mkdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { gzipSync } from 'node:zlib';
import sharp from 'sharp';
import { beforeAll, describe, expect, it } from 'vitest';
import { loadDataset } from '../../../src/data/load.js';
import { openDataset } from '../../../src/data/open.js';
import { packImages } from '../../../src/data/shards/pack.js';
import { openSource } from '../../../src/data/source.js';
import { pathOnDisk } from '../../../src/disk/names.js';
import { temporaryFolder } from '../../helpers/temporary-folder.js';
import { failure, noise, png, tarOf, write } from '../helpers.js';
import { type RawEntry, rawTar, rawZip } from './raw-archives.js';

/** Images of their own, so that no two can be taken for one another. */
const image = (seed: number) => png(noise(8 * 8 * 3, seed), 8, 8);

let base: RawEntry[];
beforeAll(async () => {
  const names = ['cat', 'dog'].flatMap((name) => [
    ...[1, 2, 3].map((i) => `train/${name}/${i}.png`),
    ...[1, 2].map((i) => `test/${name}/${i}.png`),
  ]);
  base = await Promise.all(names.map(async (name, seed) => ({ name, content: await image(seed) })));
});

interface Read {
  hash: string;
  classes: string[];
  counts: { train: number; test: number };
  notes: readonly string[];
  others: readonly string[];
}

async function read(dir: string): Promise<Read> {
  const data = { name: 'imagetree' as const, dir, size: 8 };
  const source = await openSource(data);
  const { info, hash } = await loadDataset(data, { seed: 0 });
  const { classes, counts } = info;
  return { hash, classes, counts, notes: source.notes ?? [], others: source.others ?? [] };
}

/** From a pack of it, and from the disk image by image. */
async function otherReaders(dir: string, stream: boolean): Promise<string[]> {
  const data = { name: 'imagetree' as const, dir };
  const packed = await packImages({ data, out: temporaryFolder(), size: 8 });
  if (!stream) return [packed.hash];
  const opened = await openDataset({ ...data, size: 8, stream: true }, { seed: 0 });
  return [packed.hash, opened.dataset.hash];
}

function folderOf(entries: RawEntry[]): string {
  const folder = temporaryFolder();
  for (const { name, content, linkTo } of entries) {
    const path = join(folder, name);
    if (name.endsWith('/')) mkdirSync(pathOnDisk(path), { recursive: true });
    else if (linkTo !== undefined) {
      const { content: linked } = entries.find((entry) => entry.name === linkTo)!;
      write(path, linked!);
    } else {
      mkdirSync(pathOnDisk(dirname(path)), { recursive: true });
      writeFileSync(pathOnDisk(path), content!);
    }
  }
  return folder;
}

/** The same entries in every form that is read. */
function formsOf(entries: RawEntry[]): Record<string, () => string> {
  const file = (name: string, bytes: Uint8Array) => write(join(temporaryFolder(), name), bytes);
  const links = entries.some(({ linkTo }) => linkTo !== undefined);
  return {
    folder: () => folderOf(entries),
    tar: () => file('tree.tar', rawTar(entries)),
    'tar.gz': () => file('tree.tar.gz', gzipSync(rawTar(entries))),
    // A zip has no hard links.
    ...(links
      ? {}
      : {
          'zip, stored': () => file('tree.zip', rawZip(entries, 'store')),
          'zip, deflated': () => file('deflated.zip', rawZip(entries, 'deflate')),
        }),
  };
}

/** What every form, and every pack of it, is read to: it has to be the same. */
async function readAllForms(entries: RawEntry[]): Promise<Read> {
  const results = new Map<string, Read>();
  for (const [form, make] of Object.entries(formsOf(entries))) {
    const dir = make();
    const result = await read(dir);
    results.set(form, result);
    for (const hash of await otherReaders(dir, form !== 'tar.gz')) {
      expect([form, hash]).toEqual([form, result.hash]);
    }
  }
  const [first] = results.values();
  for (const [form, result] of results) {
    const { others, ...rest } = result;
    const { others: expected, ...same } = first!;
    expect([form, rest]).toEqual([form, same]);
    expect([form, [...others].sort()]).toEqual([form, [...expected].sort()]);
  }
  return first!;
}

async function refusedInAllForms(entries: RawEntry[]): Promise<string> {
  const messages = new Set<string>();
  for (const make of Object.values(formsOf(entries))) {
    const dir = make();
    const data = { name: 'imagetree' as const, dir };
    const errors = [
      await failure(() => loadDataset({ ...data, size: 8 }, { seed: 0 })),
      await failure(() => packImages({ data, out: temporaryFolder(), size: 8 })),
    ];
    for (const { message } of errors) messages.add(message.replaceAll(dir, 'TREE'));
  }
  expect([...messages]).toHaveLength(1);
  return [...messages][0]!;
}

const text = (name: string, content = 'no image'): RawEntry => ({
  name,
  content: Buffer.from(content),
});
/** Bytes of a name that is no UTF-8, as names of files are kept here. */
const latin1 = (byte: number) => String.fromCharCode(0xdc00 + byte);

describe('a tree is the same in a folder, a tar, a tar.gz, a zip and a pack of each', () => {
  let plain: Read;
  beforeAll(async () => {
    plain = await readAllForms(base);
    expect(plain).toMatchObject({
      classes: ['cat', 'dog'],
      counts: { train: 6, test: 4 },
      notes: [],
      others: [],
    });
  });

  it('without what is hidden or left behind by systems', async () => {
    const left = [
      'train/.ipynb_checkpoints/1-checkpoint.png',
      'train/cat/.ipynb_checkpoints/1.png',
      'train/cat/.ipynb_checkpoints/deep/er/1.png',
      'train/cat/._1.png',
      'train/cat/.DS_Store',
      'train/cat/Thumbs.db',
      'test/dog/desktop.ini',
      'test/@eaDir/cat/1.png',
      '__MACOSX/train/cat/._1.png',
      'train/__MACOSX/cat/1.png',
      '.git/train/cat/1.png',
    ];
    const content = await image(99);
    expect(await readAllForms([...base, ...left.map((name) => ({ name, content }))])).toEqual(
      plain,
    );
  });

  it('with images that only their bytes tell, and whatever the case of their endings', async () => {
    const renamed = base.map(({ name, content }) => ({
      name: name
        .replace('cat/1.png', 'cat/1')
        .replace('cat/2.png', 'cat/2.PNG')
        .replace('dog/1.png', 'dog/1.0001'),
      content,
    }));
    expect((await readAllForms(renamed)).hash).toBe(plain.hash);
  });

  it('with the formats that are decoded', async () => {
    const raw = { raw: { width: 8, height: 8, channels: 3 as const } };
    const pixels = noise(8 * 8 * 3, 5);
    const gray = noise(64, 6);
    const header = (kind: string) => Buffer.from(`${kind}\n# a comment\n8 8\n255\n`);
    const formats: RawEntry[] = [
      { name: 'train/cat/a.jfif', content: await sharp(pixels, raw).jpeg().toBuffer() },
      { name: 'train/cat/b.jpe', content: await sharp(pixels, raw).jpeg().toBuffer() },
      { name: 'train/cat/c.webp', content: await sharp(pixels, raw).webp().toBuffer() },
      { name: 'train/cat/d.gif', content: await sharp(pixels, raw).gif().toBuffer() },
      { name: 'train/cat/e.TIFF', content: await sharp(pixels, raw).tiff().toBuffer() },
      { name: 'train/cat/f.avif', content: await sharp(pixels, raw).avif().toBuffer() },
      { name: 'train/cat/g.ppm', content: Buffer.concat([header('P6'), pixels]) },
      { name: 'train/cat/h.pgm', content: Buffer.concat([header('P5'), gray]) },
      {
        name: 'train/cat/i.ppm',
        content: Buffer.concat([header('P3'), Buffer.from([...pixels].join(' '))]),
      },
      { name: 'train/cat/j', content: await sharp(pixels, raw).webp().toBuffer() },
    ];
    const found = await readAllForms([...base, ...formats]);
    expect(found.counts).toEqual({ train: 16, test: 4 });
    const exact = await loadDataset(
      { name: 'imagetree', dir: folderOf([...base, ...formats]), size: 8 },
      { seed: 0 },
    );
    const at = (i: number) => exact.train.images.subarray(i * 192, (i + 1) * 192);
    // Digits go before letters.
    expect([...at(3 + 6)]).toEqual([...pixels]);
    expect([...at(3 + 8)]).toEqual([...pixels]);
    expect([...at(3 + 7)]).toEqual([...gray].flatMap((value) => [value, value, value]));
  });

  it.each(['1.bmp', '2.heic', '3.jp2', '4.jxl', '5.svg', '6.pbm'])(
    'refused for an image of a format that is not read: %s',
    async (name) => {
      const message = await refusedInAllForms([...base, text(`train/dog/${name}`)]);
      expect(message).toMatch(/^TREE: "train\/dog\/\d\.\w+" is [A-Z].*, which is not read/);
    },
  );

  it('with other files counted, and told once', async () => {
    const others = ['train/cat/a.txt', 'train/dog/b.txt', 'test/cat/c.sqlite', 'test/cat/LICENSE'];
    const beside = ['README.md', 'train/labels.csv', 'notes/train.txt'];
    const found = await readAllForms([...base, ...[...others, ...beside].map((n) => text(n))]);
    expect(found).toEqual({
      ...plain,
      notes: ['4 files are no images: 2 .txt, 1 .sqlite, 1 without an ending.'],
      others: expect.arrayContaining(others),
    });
    expect(found.others).toHaveLength(4);
  });

  it('with every name told apart by its bytes', async () => {
    const content = [await image(70), await image(71)];
    const strange: RawEntry[] = [
      { name: `train/cat/caf${latin1(0xe9)}.png`, content: content[0]! },
      { name: `train/cat/caf${latin1(0xe8)}.png`, content: content[1]! },
      { name: `train/dog/\u{1f436}${latin1(0xff)}.png`, content: content[0]! },
      { name: `train/${latin1(0xe9)}t${latin1(0xe9)}/1.png`, content: content[0]! },
    ];
    const found = await readAllForms([...base, ...strange]);
    expect(found.counts.train).toBe(10);
    expect(found.classes).toEqual(['cat', 'dog', `${latin1(0xe9)}t${latin1(0xe9)}`]);
  });

  it('with classes that differ in Unicode normalization alone as one', async () => {
    const [composed, decomposed] = ['caf\u00e9', 'cafe\u0301'];
    const content = await Promise.all([80, 81, 82].map(image));
    const found = await readAllForms([
      ...base,
      { name: `train/${composed}/1.png`, content: content[0]! },
      { name: `train/${decomposed}/2.png`, content: content[1]! },
      { name: `test/${composed}/1.png`, content: content[2]! },
    ]);
    expect(found.classes).toEqual([decomposed, 'cat', 'dog']);
    expect(found.counts).toEqual({ train: 8, test: 5 });
    expect(found.notes[0]).toContain('Unicode normalization');
  });

  it.each([
    ['Train', 'Test'],
    ['training', 'testing'],
    ['TRAIN', 'validation'],
    ['train', 'valid'],
    ['train', 'Val'],
  ])('with splits in %s and %s', async (train, test) => {
    const named = base.map(({ name, content }) => ({
      name: `data/${name.replace('train/', `${train}/`).replace('test/', `${test}/`)}`,
      content,
    }));
    expect(await readAllForms(named)).toEqual(plain);
  });

  it.each(['Training', 'training', 'Valid', 'data'])('below a folder %s', async (above) => {
    const below = base.map(({ name, content }) => ({ name: `${above}/${name}`, content }));
    expect(await readAllForms(below)).toEqual(plain);
  });

  it.each([['test/9.png'], ['test/images/9.png'], ['test/unknown/9.png']])(
    'with val where %s has no label',
    async (unlabelled) => {
      const content = await image(90);
      const moved = base.map(({ name, content }) => ({
        name: name.replace('test/', 'val/'),
        content,
      }));
      const found = await readAllForms([...moved, { name: unlabelled, content }]);
      expect(found).toEqual({
        ...plain,
        notes: ['test/ has no labels: val/ is the test set.'],
      });
    },
  );

  it('as Tiny ImageNet is laid out', async () => {
    const tiny = base.map(({ name, content }) => {
      const [split, className, file] = name.split('/') as [string, string, string];
      return split === 'train'
        ? { name: `tiny/train/${className}/images/${file}`, content: content! }
        : { name: `tiny/val/images/${className}-${file}`, content: content! };
    });
    const list = ['cat', 'dog'].flatMap((name) =>
      [1, 2].map((i) => `${name}-${i}.png\t${name}\t0\t0\t63\t63`),
    );
    const more = [
      text('tiny/train/cat/cat_boxes.txt'),
      text('tiny/val/val_annotations.txt', `${list.join('\n')}\n`),
      { name: 'tiny/test/images/test_0.png', content: await image(91) },
      text('tiny/wnids.txt'),
    ];
    const found = await readAllForms([...tiny, ...more]);
    expect(found).toMatchObject({ hash: plain.hash, others: ['tiny/train/cat/cat_boxes.txt'] });
    const [, annotations, ...rest] = more;
    const short = text(annotations!.name, list.slice(1).join('\n'));
    expect(await refusedInAllForms([...tiny, short, ...rest])).toBe(
      'TREE: no label for "tiny/val/images/cat-1.png" in its list.',
    );
  });

  it('refused where a class has other files alone, or has not been unpacked', async () => {
    expect(await refusedInAllForms([...base, text('train/cow/1.txt')])).toBe(
      'TREE: "train/cow/" has no images.',
    );
    expect(await refusedInAllForms([...base, text('train/cow.tar')])).toBe(
      'TREE: "train/cow.tar" has not been unpacked.',
    );
    const packed = [text('train/n01.tar'), text('train/n02.tar'), base.at(-1)!];
    expect(await refusedInAllForms(packed)).toBe(
      'TREE has no images in train/<class>/, and holds 2 archives that have not been unpacked, such as "train/n01.tar".',
    );
    expect(await refusedInAllForms([...base, { ...base[0]!, name: 'Training/cat/1.png' }])).toBe(
      'TREE has images in "Training/" and in "train/", and one of them can be the split.',
    );
  });
});

describe('every form of a tar is read as GNU tar reads it, from the file and from a stream', () => {
  const tarForms = (bytes: Uint8Array) => [
    write(join(temporaryFolder(), 'tree.tar'), bytes),
    write(join(temporaryFolder(), 'tree.tar.gz'), gzipSync(bytes)),
  ];
  /** What the tar, its stream and packs of both are read to. */
  async function readTars(bytes: Uint8Array): Promise<Read> {
    const [file, stream] = tarForms(bytes) as [string, string];
    const [one, other] = [await read(file), await read(stream)];
    expect(other).toEqual(one);
    for (const hash of [
      ...(await otherReaders(file, true)),
      ...(await otherReaders(stream, false)),
    ])
      expect(hash).toBe(one.hash);
    return one;
  }
  let expected: Read;
  beforeAll(async () => {
    expected = await read(folderOf(base));
  });

  it.each(['v7', 'ustar', 'gnu', 'pax', 'gnu-long', 'unsigned-sum'] as const)(
    '%s',
    async (form) => {
      expect(await readTars(rawTar([{ name: 'train/' }, ...base], form))).toEqual(expected);
    },
  );

  it('several in one file', async () => {
    const half = base.length / 2;
    const [one, other] = [base.slice(0, half), base.slice(half)];
    const bytes = Buffer.concat([rawTar(one), rawTar(other)]);
    const file = 'It is 2 tars in one file;';
    const notes = [`${file} all are read, as tar --ignore-zeros does: one alone is no tree.`];
    expect(await readTars(bytes)).toEqual({ ...expected, notes });
    // The first alone is what tar unpacks; nothing behind it replaces what is in it.
    const more = [
      { name: 'train/cat/9.png', content: await image(62) },
      { ...base[0]!, content: await image(63) },
      { name: 'train/dog/9.png', linkTo: base[0]!.name },
    ];
    const first = [`${file} the first is read, as tar does it, without 2 more files behind it.`];
    expect(await readTars(Buffer.concat([rawTar(base), rawTar(more)]))).toEqual({
      ...expected,
      notes: first,
    });
    const tape = Buffer.concat([
      rawTar(one),
      Buffer.alloc(9 * 512),
      rawTar(other),
      Buffer.alloc(512),
    ]);
    expect((await readTars(tape)).hash).toBe(expected.hash);
  });

  it('an entry that comes twice, of which the last counts, and a folder that does', async () => {
    const first = { name: base[0]!.name, content: await image(60) };
    const bytes = rawTar([{ name: 'train/' }, first, ...base, { name: 'train/' }]);
    expect(await readTars(bytes)).toEqual(expected);
  });

  it('a hard link, which is what its name stood for by then', async () => {
    const [target, content] = [base[0]!.name, await image(61)];
    const link = { name: 'train/dog/link.png', linkTo: target };
    const linked = { name: 'train/dog/link.png', content: base[0]!.content! };
    const whole = await read(folderOf([...base, linked]));
    expect(await readTars(rawTar([...base, link]))).toEqual(whole);
    // Of a hidden store of images, and by way of another link.
    const store = { name: '.store/1', content: base[0]!.content! };
    const chain = [
      store,
      { name: '.store/2', linkTo: '.store/1' },
      { ...link, linkTo: '.store/2' },
    ];
    expect(await readTars(rawTar([...chain, ...base]))).toEqual(whole);
    // What is replaced afterwards stays what it was under the link's name.
    const replaced = [
      { name: target, content: base[0]!.content! },
      link,
      { name: target, content },
    ];
    const changed = await read(folderOf([...base.slice(1), linked, { name: target, content }]));
    expect(await readTars(rawTar([...replaced, ...base.slice(1)]))).toEqual(changed);
  });

  it.each(['gnu', 'pax-0.0', 'pax-0.1', 'pax-1.0'] as const)(
    'a file with holes, %s',
    async (sparse) => {
      // As an image of zeros has them: raw pixels of which only some blocks are written.
      const content = Buffer.concat([Buffer.from('P6 64 64 255\n'), Buffer.alloc(64 * 64 * 3)]);
      content.fill(200, 9000, 9100);
      const name = 'train/cat/holes.ppm';
      const whole = await read(folderOf([...base, { name, content }]));
      const parts = [
        { offset: 0, length: 512 },
        { offset: 8704, length: 1024 },
      ];
      expect(
        await readTars(rawTar([...base, { name, content, holes: { sparse, parts } }])),
      ).toEqual(whole);
    },
  );

  it.each([
    ['a symbolic link', { name: 'train/cat/x.png', type: '2', linkTo: '1.png' }, /is a symlink/],
    [
      'a hard link to nothing',
      { name: 'train/cat/x.png', linkTo: 'no.png' },
      /no such file comes before/,
    ],
    ['a device', { name: 'train/cat/x.png', type: '3' }, /is a character-device/],
    ['a pipe', { name: 'x', type: '6' }, /is a fifo/],
    ['the rest of another volume', { name: 'x', type: 'M' }, /goes on from another volume/],
    ['a type that nobody knows', { name: 'x', type: 'Q' }, /is a file of type "Q"/],
    ['a name that leads out', { name: 'train/../../x.png' }, /leads out/],
    ['an absolute name', { name: '/x.png' }, /is absolute/],
  ] as [string, RawEntry, RegExp][])('refuses %s, by name', async (_, entry, message) => {
    const found = new Set<string>();
    for (const dir of tarForms(rawTar([...base, { content: Buffer.alloc(0), ...entry }]))) {
      const data = { name: 'imagetree' as const, dir };
      for (const work of [
        () => loadDataset({ ...data, size: 8 }, { seed: 0 }),
        () => packImages({ data, out: temporaryFolder(), size: 8 }),
      ]) {
        const error = await failure(work);
        expect(error.hint).not.toContain('authors');
        found.add(error.message.replaceAll(dir, 'TREE'));
      }
    }
    expect(found.size).toBe(1);
    expect([...found][0]).toMatch(message);
  });

  it('refuses what was cut, and what follows the end and is no tar', async () => {
    const whole = rawTar(base);
    for (const bytes of [
      whole.subarray(0, whole.length - 1024),
      whole.subarray(0, 1500),
      whole.subarray(0, 700),
      Buffer.concat([whole, noise(2048, 1)]),
      Buffer.concat([whole, Buffer.from('no tar')]),
    ]) {
      for (const dir of tarForms(bytes)) {
        const { message } = await failure(() => read(dir));
        expect(message).toMatch(/is truncated|is not a valid tar/);
      }
    }
  });

  it('gzip in several members, and with zeros behind it', async () => {
    const bytes = rawTar(base);
    const members = Buffer.concat([
      gzipSync(bytes.subarray(0, 3000)),
      gzipSync(bytes.subarray(3000)),
    ]);
    for (const gz of [
      members,
      Buffer.concat([gzipSync(bytes), Buffer.alloc(100)]),
      Buffer.concat([members, Buffer.alloc(3 * 2 ** 20)]),
    ]) {
      expect(await read(write(join(temporaryFolder(), 'tree.tgz'), gz))).toEqual(expected);
    }
    for (const garbage of [
      Buffer.from('garbage'),
      Buffer.concat([Buffer.alloc(70_000), Buffer.from('x')]),
    ]) {
      const path = write(join(temporaryFolder(), 'tree.tgz'), Buffer.concat([members, garbage]));
      expect((await failure(() => read(path))).message).toMatch(
        /garbage after its gzip stream|gzip fails/,
      );
    }
  });
});

describe('what is not read is named as what it is', () => {
  it.each([
    ['fd377a585a0000', /is compressed by xz, which is not read/, /xz -dk/],
    ['28b52ffd00', /is compressed by Zstandard/, /zstd -d/],
    ['425a6839', /is compressed by bzip2/, /bzip2 -dk/],
    ['377abcaf271c', /is a 7z archive/, /7z x/],
    ['526172211a07', /is a RAR archive/, /unrar/],
    ['5041523100', /is a Parquet file/, /A folder of images/],
  ])('%s', async (start, message, hint) => {
    const path = write(join(temporaryFolder(), 'tree.tar'), Buffer.from(start, 'hex'));
    const error = await failure(() => openSource({ name: 'imagetree', dir: path }));
    expect(error.message).toMatch(message);
    expect(error.hint).toMatch(hint);
  });
});

describe('a zip', () => {
  const zipped = (bytes: Uint8Array) => write(join(temporaryFolder(), 'tree.zip'), bytes);

  it('with an entry that comes twice is read as unpacking leaves it', async () => {
    const first = { name: base[0]!.name, content: await image(60) };
    const found = await read(zipped(rawZip([first, ...base], 'deflate')));
    expect(found).toEqual(await read(folderOf(base)));
  });

  it('calls its entries as unpacking does, whatever system and encoding they are of', async () => {
    const named = (name: (path: string) => Partial<RawEntry>) =>
      base.map((entry) => ({ ...entry, ...name(entry.name) }));
    const inCafe = (path: string, letter: string) => path.replace('/cat/', `/caf${letter}/`);
    const expected = await read(folderOf(named((path) => ({ name: inCafe(path, 'é') }))));
    const forms = {
      "DOS' code page 437": (path: string) => ({ name: inCafe(path, latin1(0x82)), host: 0 }),
      'of Windows, with backslashes': (path: string) => ({
        name: inCafe(path, latin1(0x82)).replaceAll('/', '\\'),
        host: 11,
      }),
      'UTF-8 that says so': (path: string) => ({
        name: inCafe(path, 'é'),
        host: 0,
        flags: 0x800,
      }),
      'UTF-8 that does not': (path: string) => ({ name: inCafe(path, 'é'), host: 0 }),
      'UTF-8 on Unix': (path: string) => ({ name: inCafe(path, 'é') }),
      'Latin-1 with UTF-8 beside it': (path: string) => ({
        name: inCafe(path, latin1(0xe9)),
        unicodeName: inCafe(path, 'é'),
      }),
    };
    for (const [form, name] of Object.entries(forms)) {
      expect([form, await read(zipped(rawZip(named(name), 'store')))]).toEqual([form, expected]);
    }
  });

  it('names an image that is damaged in it', async () => {
    const bytes = rawZip([...base, text('train/cat/x.png')], 'store');
    const path = zipped(bytes);
    const data = { name: 'imagetree' as const, dir: path, size: 8, stream: true };
    const error = await failure(() => openDataset(data, { seed: 0 }));
    expect(error.message).toContain(`${path}: train/cat/x.png is no image`);
  });

  it.each([
    ['encrypted', { name: 'train/cat/x.png', flags: 1 }, /x\.png" is encrypted/],
    ['of another method', { name: 'train/cat/x.png', method: 14 }, /is compressed by method 14/],
    ['a symbolic link', { name: 'train/cat/x.png', mode: 0o120777 }, /is a symlink/],
    ['a name that leads out', { name: '../x.png' }, /leads out/],
  ] as [string, RawEntry, RegExp][])(
    'is refused for an entry that is %s',
    async (_, entry, message) => {
      const path = zipped(rawZip([...base, { content: Buffer.from('1.png'), ...entry }], 'store'));
      expect((await failure(() => read(path))).message).toMatch(message);
    },
  );

  it('is refused where it was cut', async () => {
    const bytes = rawZip(base, 'deflate');
    for (const cut of [bytes.length - 1, bytes.length - 100, 200]) {
      const error = await failure(() => read(zipped(bytes.subarray(0, cut))));
      expect(error.message).toMatch(/is not a valid zip/);
    }
  });
});

it('a folder behind a link is read as the folder', async () => {
  const folder = folderOf(base);
  const link = join(temporaryFolder(), 'link');
  symlinkSync(folder, link);
  expect((await read(link)).hash).toBe((await read(folder)).hash);
});

it('tar-stream and this parser agree on what they both read', async () => {
  const bytes = await tarOf(base.map(({ name, content }) => ({ name, content: content! })));
  const path = write(join(temporaryFolder(), 'tree.tar'), bytes);
  expect(await read(path)).toEqual(await read(folderOf(base)));
});
