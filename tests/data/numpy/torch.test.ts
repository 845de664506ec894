import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { valuesOf } from '../../../src/data/numpy/ndarray.js';
import { ArrayObject, type Pickled } from '../../../src/data/numpy/pickle-globals.js';
import { OLD_TORCH_MAGIC, parseOldTorch, readTorch } from '../../../src/data/numpy/torch.js';
import { temporaryFolder } from '../../helpers/temporary-folder.js';
import { zip } from '../../helpers/zip.js';

type Files = Record<string, Buffer>;

/** Files of zips that PyTorch 2.15 wrote: a dictionary of labels, a transposed tensor, a module; the labels in its older form. */
const MADE = JSON.parse(readFileSync(new URL('torch.json', import.meta.url), 'utf8')) as Record<
  'labels' | 'view' | 'module',
  Record<string, string>
> & { old: string };
const decoded = (files: Record<string, string>): Files =>
  Object.fromEntries(Object.entries(files).map(([f, text]) => [f, Buffer.from(text, 'base64')]));
const REAL = {
  labels: decoded(MADE.labels),
  view: decoded(MADE.view),
  module: decoded(MADE.module),
};
const OLD = Buffer.from(MADE.old, 'base64');

function read(files: Files, limit = 1e6): Promise<Pickled> {
  const path = join(temporaryFolder(), 'x.pt');
  writeFileSync(path, zip(files));
  return readTorch(path, limit);
}

describe('readTorch', () => {
  it.each([
    ['a zip', () => read(REAL.labels)],
    ['its older form', async () => parseOldTorch(OLD, 'x.pt')],
  ])('reads tensors, arrays and lists by name from %s', async (_, make) => {
    const labels = await make();
    if (!(labels instanceof Map)) throw new Error('no dictionary');
    const values = (key: string) => {
      const column = labels.get(key);
      return column instanceof ArrayObject ? [column.shape, valuesOf(column, key)] : column;
    };
    expect(values('clean_label')).toEqual([[3], [0, 1, 2]]);
    expect(values('aggre_label')).toEqual([[3], [0, 1, 1]]);
    expect(values('worse_label')).toEqual([
      [2, 2],
      [5, 6, 7, 8],
    ]);
    expect(values('random_label1')).toEqual([2, 1, 0]);
  });

  it('refuses what is more than data, or less than it says', async () => {
    await expect(read(REAL.view)).rejects.toThrow('a tensor that is a view');
    await expect(read(REAL.module)).rejects.toThrow('asks for "torch.nn.modules.linear.Linear"');
    await expect(read({ 'a.txt': Buffer.from('a') })).rejects.toThrow('not one that torch.save');
    const { 'archive/data/0': bytes, ...without } = REAL.labels;
    await expect(read(without)).rejects.toThrow('lacks tensor "0"');
    const cut = { ...without, 'archive/data/0': bytes!.subarray(8) };
    await expect(read(cut)).rejects.toThrow('has 16 bytes');
    const big = { ...REAL.labels, 'archive/byteorder': Buffer.from('big') };
    await expect(read(big)).rejects.toThrow('another byte order');
    await expect(read(REAL.labels, 500)).rejects.toThrow('holds more than 500 bytes');
  });

  it('refuses damage of its older form', () => {
    for (const cut of [OLD_TORCH_MAGIC.length, 300, OLD.length - 60, OLD.length - 1]) {
      expect(() => parseOldTorch(OLD.subarray(0, cut), 'x.pt')).toThrow(/x\.pt is damaged/);
    }
    const other = Buffer.from(OLD);
    const endian = other.indexOf('little_endian') + 'little_endian'.length;
    other[other.indexOf(0x88, endian)] = 0x89;
    expect(() => parseOldTorch(other, 'x.pt')).toThrow('another byte order');
    // More elements than the file has bytes.
    const many = Buffer.from(OLD);
    const count = many.indexOf('cpu') + 5;
    expect(many[count]).toBe('K'.charCodeAt(0));
    many[count + 1] = 0xff;
    many[count + 3] = 0xff;
    expect(() => parseOldTorch(many, 'x.pt')).toThrow(/x\.pt is damaged/);
  });

  it('refuses a file that is no zip, and one that is not there', async () => {
    const path = join(temporaryFolder(), 'x.pt');
    await expect(readTorch(path, 1e6)).rejects.toThrow('there is no such file');
    writeFileSync(path, 'PK\x03\x04 and nothing');
    await expect(readTorch(path, 1e6)).rejects.toThrow("can't be read as a zip");
  });
});
