import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { readLabelTable } from '../../src/corrupt/label-table.js';
import { temporaryFolder } from '../helpers/temporary-folder.js';

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
});
