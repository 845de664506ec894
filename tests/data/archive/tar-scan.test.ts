import { readFileSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { entryBytes, readTar } from '../../../src/data/archive/tar.js';
import { scanTar, wholeTar } from '../../../src/data/archive/tar-scan.js';
import { temporaryFolder } from '../../helpers/temporary-folder.js';
import { failure, noise, realData, type TarItem, tarOf, write, writeTar } from '../helpers.js';

const long = `deep/${'x'.repeat(120)}/${'y'.repeat(140)}.jpg`;
const items: TarItem[] = [
  { name: './a/', type: 'directory' },
  { name: './a/1.jpg', content: Buffer.from(noise(513, 1)) },
  { name: 'a/empty.jpg', content: '' },
  { name: long, content: Buffer.from(noise(70_000, 2)) },
  { name: 'ä/ü.jpg', content: 'umlauts' },
  { name: 'a/2.jpg', pax: { comment: 'more' }, content: Buffer.from(noise(1024, 3)) },
];

const scan = (path: string) => [...scanTar(wholeTar(path))].filter(({ kind }) => kind === 'file');

describe('scanning a tar', () => {
  it('finds the bytes that reading it finds, behind long names and attributes', async () => {
    const path = await writeTar(join(temporaryFolder(), 'a.tar'), items);
    const bytes = readFileSync(path);
    const found = scan(path);
    expect(found.map(({ name }) => name)).toEqual([
      'a/1.jpg',
      'a/empty.jpg',
      long,
      'ä/ü.jpg',
      'a/2.jpg',
    ]);
    for await (const entry of readTar(path, { maxBytes: 1e9 })) {
      const { offset, size } = found.shift()!;
      expect((await entryBytes(entry)).equals(bytes.subarray(offset, offset + size))).toBe(true);
    }
  });

  it('finds a tar within a tar', async () => {
    const inner = await tarOf(items);
    const path = await writeTar(join(temporaryFolder(), 'outer.tar'), [
      { name: 'other', content: 'x' },
      { name: 'inner.tar', content: inner },
    ]);
    const entry = scan(path)[1]!;
    const range = { path, offset: entry.offset, end: entry.offset + entry.size, where: 'inner' };
    const outer = readFileSync(path);
    const first = [...scanTar(range)].find(({ kind }) => kind === 'file');
    expect(outer.subarray(first!.offset, first!.offset + 513)).toEqual(Buffer.from(noise(513, 1)));
  });

  it.each([
    ['cut in a file', async (path: string) => truncateSync(path, 2000), /is truncated/],
    [
      'cut before its end mark',
      async (path: string) => writeFileSync(path, (await tarOf(items)).subarray(0, 2048)),
      /without tar's end mark/,
    ],
    ['gzipped', async (path: string) => void (await writeTar(`${path}gz`, items)), null],
    ['no tar', async (path: string) => writeFileSync(path, noise(4096, 4)), /sum is wrong/],
    ['empty', async (path: string) => writeFileSync(path, ''), /without tar's end mark/],
  ])('refuses one that is %s', async (_, spoil, message) => {
    const path = await writeTar(join(temporaryFolder(), 'a.tar'), items);
    await spoil(path);
    if (message === null) {
      const error = await failure(() => scan(`${path}gz`));
      expect(error.hint).toContain('rethink-gen data pack');
    } else {
      expect((await failure(() => scan(path))).message).toMatch(message);
    }
  });

  it.each([
    [{ name: '../up.jpg', content: 'x' }, /leads out of the archive/],
    [{ name: '/etc/passwd', content: 'x' }, /is absolute/],
    [{ name: 'link.jpg', type: 'symlink', linkname: '/etc/passwd' }, /is a symlink; only files/],
  ] as [TarItem, RegExp][])('refuses the entry %j', async (item, message) => {
    const path = await writeTar(join(temporaryFolder(), 'a.tar'), [item]);
    expect((await failure(() => scan(path))).message).toMatch(message);
  });

  it('refuses sizes and attributes that are no numbers', async () => {
    const tar = await tarOf([{ name: 'a.jpg', content: 'x' }]);
    tar.write('zz', 124, 'latin1');
    const sum = tar
      .subarray(0, 512)
      .reduce((all, byte, i) => all + (i >= 148 && i < 156 ? 32 : byte), 0);
    tar.write(`${sum.toString(8).padStart(6, '0')}\0 `, 148, 'latin1');
    const path = write(join(temporaryFolder(), 'a.tar'), tar);
    expect((await failure(() => scan(path))).message).toMatch(/has a size that is no number/);
  });

  const real = realData('imagenette-160-subset.tar');
  it.skipIf(!real)('finds all images of a real archive (skipped: no shared/data)', async () => {
    const found = scan(real!);
    const read = [];
    for await (const { name, size } of readTar(real!, { maxBytes: 1e9 })) read.push({ name, size });
    expect(found.map(({ name, size }) => ({ name, size }))).toEqual(read);
  });
});
