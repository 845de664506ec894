import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import { entryBytes, readTar } from '../../src/data/archive/tar.js';
import { cifarSource } from '../../src/data/published/cifar.js';
import { imagetreeSource } from '../../src/data/tree/imagetree.js';
import type { RethinkError } from '../../src/errors.js';
import { grouped } from '../../src/text.js';
import { temporaryFolder } from '../helpers/temporary-folder.js';
import {
  cifarFiles,
  cifarForm,
  failure,
  noise,
  noiseRecords,
  plain,
  readAll,
  smallCifar,
  type TarItem,
  tarOf,
  write,
  writeTar,
} from './helpers.js';

const spec = smallCifar('cifar10', 4);
const form = cifarForm(spec);
const good: TarItem[] = [...cifarFiles(spec, noiseRecords(spec))].map(([file, content]) => ({
  name: `${form.folder}/${file}`,
  content,
}));
const red = { r: 200, g: 10, b: 10 };

async function refusal(archive: Uint8Array): Promise<RethinkError> {
  const path = write(join(temporaryFolder(), 'cifar-10-binary.tar.gz'), archive);
  const error = await failure(() =>
    readAll(cifarSource(spec, { form, path, kind: 'archive' }, 'official'), 'train'),
  );
  expect(error.kind).toBe('data');
  expect(error.message).toContain(path);
  return error;
}

describe('a hostile or damaged CIFAR archive is refused by name', () => {
  const extra = async (item: TarItem) => gzipSync(await tarOf([...good, item]));

  it.each([
    ['an absolute name', { name: '/etc/passwd', content: 'x' }, /"\/etc\/passwd" is absolute/],
    ['a name that leads out', { name: `${form.folder}/../../x`, content: 'x' }, /leads out/],
    ['a backslash', { name: '..\\x', content: 'x' }, /character/],
    ['a symbolic link', { name: 'a', type: 'symlink', linkname: '/etc' }, /is a symlink/],
    ['a hard link', { name: 'a', type: 'link', linkname: 'b' }, /is a hard link/],
    ['a device', { name: 'a', type: 'character-device' }, /is a character-device/],
    ['a pipe', { name: 'a', type: 'fifo' }, /is a fifo/],
    ['a duplicate', good[0]!, /data_batch_1\.bin" comes twice/],
  ] as [string, TarItem, RegExp][])('with %s', async (_, item, message) => {
    expect((await refusal(await extra(item))).message).toMatch(message);
  });

  it('with a folder that has a size, which would be passed by as its content', async () => {
    const tar = await tarOf([{ name: 'folder/', type: 'directory' }, ...good]);
    tar.write('00000000010', 124, 'latin1');
    tar.fill(' ', 148, 156);
    const sum = tar.subarray(0, 512).reduce((total, byte) => total + byte, 0);
    tar.write(`${sum.toString(8).padStart(6, '0')}\0 `, 148, 'latin1');
    expect((await refusal(gzipSync(tar))).message).toMatch(
      /is not a valid tar archive: a header's sum is wrong/,
    );
  });

  it('whose last entry claims to go on behind the end of the archive', async () => {
    const tar = await tarOf([{ name: good[0]!.name, content: good[0]!.content! }]);
    const size = tar.length;
    tar.write(size.toString(8).padStart(11, '0'), 124, 'latin1');
    tar.fill(' ', 148, 156);
    const sum = tar.subarray(0, 512).reduce((total, byte) => total + byte, 0);
    tar.write(`${sum.toString(8).padStart(6, '0')}\0 `, 148, 'latin1');
    const path = write(join(temporaryFolder(), 'lies.tar'), tar);
    const error = await failure(async () => {
      for await (const entry of readTar(path, { maxBytes: 2 ** 20 })) await entryBytes(entry);
    });
    expect([error.kind, error.message]).toEqual([
      'data',
      `${path} is truncated or not a tar archive: it ends after ${grouped(size)} bytes inside "cifar-10-batches-bin/data_batch_1.bin".`,
    ]);
  });

  it('with control characters in a name, which are escaped', async () => {
    const { message } = await refusal(await extra({ name: '/\u001b[2Jx', content: 'x' }));
    expect(message).toContain('\\u001b');
  });

  it('whose names would write on a terminal or turn its text around', async () => {
    const { message } = await refusal(await extra({ name: '/\u009b2Jx\u202e', content: 'x' }));
    expect(message).toContain('"/\\u009b2Jx\\u202e"');
  });

  it('with a size that is no number, which would be waited for without end', async () => {
    const tar = await tarOf(good);
    // Neither octal digits nor the mark of a binary number.
    tar.fill(0xf4, 124, 136);
    tar.fill(' ', 148, 156);
    const sum = tar.subarray(0, 512).reduce((total, byte) => total + byte, 0);
    tar.write(`${sum.toString(8).padStart(6, '0')}\0 `, 148, 'latin1');
    expect((await refusal(gzipSync(tar))).message).toContain('has a size that is no number');
  });

  it('with an entry of another size', async () => {
    const items = [{ ...good[0]!, content: Buffer.alloc(5) }, ...good.slice(1)];
    const { message } = await refusal(gzipSync(await tarOf(items)));
    expect(message).toMatch(
      /data_batch_1\.bin" has 5 bytes, and 12,292 are expected: 4 records of 3,073/,
    );
  });

  it('that lacks an entry, and says which', async () => {
    const { message } = await refusal(gzipSync(await tarOf(good.slice(0, 5))));
    expect(message).toContain('lacks cifar-10-batches-bin/test_batch.bin');
  });

  it('that is another archive, and says what it holds', async () => {
    const { message, hint } = await refusal(
      gzipSync(await tarOf([{ name: 'cifar-10-batches-py/data_batch_1', content: 'x' }])),
    );
    expect(message).toContain('it holds "cifar-10-batches-py/data_batch_1"');
    expect(hint).toContain('cifar-10-binary.tar.gz');
  });

  it('that is a tree of images, and says how to import it', async () => {
    const { hint } = await refusal(
      gzipSync(await tarOf([{ name: 'train/cat/1.jpg', content: 'x' }])),
    );
    expect(hint).toMatch(/data import .* --as cifar10/);
  });

  it('with a cut gzip stream, and says how far it came', async () => {
    const whole = gzipSync(await tarOf(good));
    const { message } = await refusal(whole.subarray(0, Math.floor(whole.length / 2)));
    expect(message).toMatch(/truncated/);
    const read = Number(/\((\d+) of 20 train records read\)/.exec(message)?.[1]);
    expect(read).toBeGreaterThan(3);
    expect(read).toBeLessThan(16);
  });

  it.each([0, 1, 2, 11])('cut after %i bytes', async (length) => {
    const { message } = await refusal(gzipSync(await tarOf(good)).subarray(0, length));
    expect(message).toMatch(/truncated|not a (valid )?tar/);
  });

  it('with a cut tar inside a whole gzip stream', async () => {
    const tar = await tarOf(good);
    for (const cut of [1000, 512 + 3000, tar.length - 1024]) {
      const { message } = await refusal(gzipSync(tar.subarray(0, cut)));
      expect(message).toMatch(/truncated|ends|not a valid tar/);
    }
  });

  it('with a flipped bit', async () => {
    const whole = gzipSync(await tarOf(good), { level: 0 });
    whole[Math.floor(whole.length / 2)]! ^= 1;
    expect((await refusal(whole)).message).toMatch(/damaged/);
  });

  it('with garbage after the gzip stream', async () => {
    const whole = gzipSync(await tarOf(good));
    for (const garbage of [Buffer.from('garbage'), Buffer.alloc(100, 1), noise(5000, 1)]) {
      const { message } = await refusal(Buffer.concat([whole, garbage]));
      expect(message).toMatch(/garbage|damaged/);
    }
  });

  it('with garbage after the tar', async () => {
    const tar = Buffer.concat([await tarOf(good), noise(2048, 2)]);
    expect((await refusal(gzipSync(tar))).message).toMatch(/not a (valid )?tar/);
  });

  it('that is not a tar at all', async () => {
    expect((await refusal(noise(20_000, 3))).message).toMatch(/not a (valid )?tar/);
    expect((await refusal(gzipSync(noise(20_000, 3)))).message).toMatch(/not a (valid )?tar/);
  });

  it.each([
    ['504b030414', /is a zip, and a tar or tar\.gz is expected/],
    ['fd377a585a00', /is compressed by xz, which is not read/],
    ['28b52ffd', /is compressed by Zstandard/],
    ['425a68', /is compressed by bzip2/],
  ])('that is another kind of archive (%s), and says which', async (start, message) => {
    expect((await refusal(Buffer.from(start.padEnd(2048, '0'), 'hex'))).message).toMatch(message);
  });

  it('that unpacks to more than is expected (a gzip bomb), without unpacking it all', async () => {
    const bomb = { name: 'zeros', content: new Uint8Array(80 * 2 ** 20) };
    const { message } = await refusal(gzipSync(await tarOf([bomb, ...good]), { level: 1 }));
    expect(message).toMatch(/too large: it holds more than 16,850,968 bytes/);
  });

  it('with a label that does not exist', async () => {
    const content = Buffer.from(good[2]!.content as Buffer);
    content[3073] = 10;
    const items = good.map((item, i) => (i === 2 ? { ...item, content } : item));
    const { message } = await refusal(gzipSync(await tarOf(items)));
    expect(message).toMatch(/data_batch_3\.bin is damaged: record 1 has label 10, .* 0 to 9/);
  });
});

describe('a hostile tree of images is refused by name', () => {
  async function treeRefusal(items: TarItem[]): Promise<string> {
    const images = await Promise.all(
      ['train/a/1.png', 'train/b/1.png', 'test/a/1.png'].map(async (name) => ({
        name,
        content: await plain(8, 8, red),
      })),
    );
    const path = await writeTar(join(temporaryFolder(), 'tree.tar'), [...images, ...items]);
    const error = await failure(async () => readAll(await imagetreeSource(path, 8), 'train'));
    expect(error.kind).toBe('data');
    expect(error.message).toContain(path);
    return error.message;
  }

  it('with a name that leads out', async () => {
    expect(await treeRefusal([{ name: 'train/a/../../../b.png', content: 'x' }])).toMatch(
      /leads out/,
    );
  });

  it('with a link among the images', async () => {
    const link: TarItem = { name: 'train/a/2.png', type: 'symlink', linkname: '/etc/passwd' };
    expect(await treeRefusal([link])).toMatch(/"train\/a\/2\.png" is a symlink/);
  });

  it('with a file that is no image', async () => {
    expect(await treeRefusal([{ name: 'train/a/2.png', content: '<svg/>' }])).toMatch(
      /train\/a\/2\.png is no image/,
    );
  });

  it('with a cut image', async () => {
    const whole = await plain(64, 64, red, 'jpeg');
    const content = whole.subarray(0, whole.length - 20);
    expect(await treeRefusal([{ name: 'train/b/2.jpg', content }])).toMatch(
      /train\/b\/2\.jpg cannot be decoded/,
    );
  });

  it('with an image bomb', async () => {
    const content = await plain(5001, 5001, red);
    expect(content.length).toBeLessThan(1e6);
    expect(await treeRefusal([{ name: 'train/b/2.png', content }])).toMatch(
      /train\/b\/2\.png cannot be decoded: it has more than 25,000,000 pixels/,
    );
  });

  it('with a file too large to be an image', async () => {
    const content = new Uint8Array(65 * 2 ** 20);
    expect(await treeRefusal([{ name: 'train/b/2.png', content }])).toMatch(
      /train\/b\/2\.png has 68,157,440 bytes/,
    );
  });
});
