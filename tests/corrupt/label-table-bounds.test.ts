import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { readLabelTable } from '../../src/corrupt/label-table.js';
import { npy } from '../data/helpers.js';
import { temporaryFolder } from '../helpers/temporary-folder.js';
import { zip } from '../helpers/zip.js';

const MiB = 2 ** 20;

describe('a file of labels that is far larger than labels are', () => {
  const read = (text: string, count: number) => {
    const path = join(temporaryFolder(), 'labels');
    writeFileSync(path, text);
    return readLabelTable(path, count, ['cat', 'dog']);
  };
  const told = (why: RegExp) => ({ kind: 'data', message: expect.stringMatching(why) });

  it.each([
    ['a cell', `id,label\n0,1\n1,"${'x'.repeat(2 * MiB)}"\n`],
    ['a line of many cells', '7,'.repeat(MiB)],
    ['a line of digits', '1'.repeat(2 * MiB)],
    ['lines', '1\n'.repeat(MiB)],
    ['nested lists', '['.repeat(MiB) + ']'.repeat(MiB)],
  ])('is told for its bytes: %s', async (_, text) => {
    await expect(read(text, 2)).rejects.toMatchObject(told(/ bytes, far more than 2 labels take/));
  });

  it('is told for a line of it, where many labels are expected', async () => {
    const text = `id,label\n0,1\n1,"${'x'.repeat(2 * MiB)}"\n`;
    await expect(read(text, 50_000)).rejects.toMatchObject(
      told(/line 3 has 2,097,15\d characters/),
    );
  });

  it('is read where its only line is long for its many labels', async () => {
    const { columns } = await read(Array(MiB).fill('1').join(','), MiB);
    expect([...columns.values()][0]).toHaveLength(MiB);
  });

  it('is told for an array of a million elements, and one array under many names is read once', async () => {
    const read = (bytes: Buffer) => {
      const path = join(temporaryFolder(), 'labels');
      writeFileSync(path, bytes);
      return readLabelTable(path, 2, ['cat', 'dog']);
    };
    const long = npy('|u1', `(${2 * MiB},)`, Buffer.alloc(2 * MiB));
    await expect(read(long)).rejects.toMatchObject(told(/an array of 2,097,152 elements/));
    const short = npy('|u1', '(2,)', Buffer.from([1, 0]));
    const { columns } = await read(zip({ 'x.npy': long, 'y.npy': short }));
    expect([...columns]).toEqual([['y', [1, 0]]]);
    const array = `cnumpy.core.numeric\n_frombuffer\n(B\x00\x00\x10\x00${'\x01'.repeat(MiB)}cnumpy\ndtype\n(S'u1'\ntR(I${MiB}\ntS'C'\ntRq\x00`;
    const names = Array.from({ length: 300 }, (_, i) => `I${i}\nh\x00`).join('');
    const many = await read(Buffer.from(`\x80\x02${array}0}(${names}u.`, 'latin1'));
    expect(new Set(many.columns.values()).size).toBe(1);
    // A key of a dictionary may be a tuple that holds a tuple twice, that holds one twice …
    const pair = (i: number) =>
      `h${String.fromCharCode(i)}h${String.fromCharCode(i)}\x86q${String.fromCharCode(i + 1)}0`;
    const deep = `I1\nq\x000${Array.from({ length: 90 }, (_, i) => pair(i)).join('')}`;
    const odd = Buffer.from(`\x80\x02}(${deep}h\x5aI1\nS'y'\n(I1\nI0\nlu.`, 'latin1');
    await expect(read(odd)).resolves.toMatchObject({ columns: new Map([['y', [1, 0]]]) });
  });
});
