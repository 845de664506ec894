import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { labelsFrom, readLabelFile } from '../../src/corrupt/label-file.js';
import type { DatasetInfo } from '../../src/data/types.js';
import { errorOf } from '../config/helpers.js';
import { temporaryFolder } from '../helpers/temporary-folder.js';
import { zip } from '../helpers/zip.js';

/** Files that NumPy 2.4 wrote, base64. */
const NUMPY = JSON.parse(
  readFileSync(new URL('label-files.json', import.meta.url), 'utf8'),
) as Record<string, string>;

/** Four examples whose true labels are 0 to 3. */
const info: DatasetInfo = {
  name: 'mine',
  height: 1,
  width: 1,
  channels: 1,
  classes: ['a', 'b', 'c', 'd'],
  counts: { train: 4, test: 4 },
  origin: 'images',
};
const TRUE = [0, 1, 2, 3];

function write(name: string, content: string | Buffer): string {
  const path = join(temporaryFolder(), name);
  writeFileSync(path, content);
  return path;
}

async function labels(path: string, column?: string, of = info) {
  const file = await readLabelFile({ file: path, ...(column && { column }) }, of);
  return [...labelsFrom(file, of, TRUE, TRUE)];
}

const numpy = (name: string) => write(name, Buffer.from(NUMPY[name]!, 'base64'));

describe('a file of labels', () => {
  it.each([
    ['savetxt', '3.000000000000000000e+00\n1.000000000000000000e+00\n0.0e+00\n2.0\n'],
    ['savetxt with a header', '# labels\n3\n1\n0\n2\n'],
    ['savetxt of a row', '3,1,0,2\n'],
    ['names', 'd\nb\na\nc'],
    ['a header of any name', 'noisy_label\n3\n1\n0\n2\n'],
    ['CR LF', '3\r\n1\r\n0\r\n2\r\n'],
    ['CR alone', '3\r1\r0\r2\r'],
    ['a BOM', '\uFEFF3\n1\n0\n2'],
    ['zeros before', '03\n01\n00\n02'],
    ['pandas with its index', ',label\n0,3\n1,1\n2,0\n3,2\n'],
    ['an index in another order', 'id;label\n3;2\n0;3\n2;0\n1;1\n'],
    ['tabs', 'file\tlabel\nx\t3\ny\t1\nz\t0\nw\t2\n'],
    ['quotes', '"label","note"\n"3","a, b"\n"1",""\n"0","c"\n"2","d"\n'],
    ['JSON', '[3, 1, 0, 2]'],
    ['JSON with a BOM', '\uFEFF[3, 1.0, 0, 2]'],
    ['JSON of rows', '[[3], [1], [0], [2]]'],
    ['JSON of text', '["3", "b", "a", "2"]'],
    ['JSON by name', '{"labels": [3, 1, 0, 2]}'],
    ['JSON by index', '{"1": 1, "0": 3, "3": 2, "2": 0}'],
  ])('as %s is read, whatever its name', async (_, text) => {
    expect(await labels(write('labels.dat', text))).toEqual([3, 1, 0, 2]);
  });

  it.each([
    'int64.npy',
    'uint8.npy',
    'float.npy',
    'column.npy',
    'names.npy',
    'one.npz',
    'several.npz',
    'list.pkl',
    'array.pkl',
  ])('as NumPy and Python write %s is read', async (name) => {
    expect(await labels(numpy(name))).toEqual([3, 1, 0, 2]);
  });

  it('of several columns wants one of them named', async () => {
    const csv = write('n.csv', 'aggre,worse\n3,0\n1,0\n0,0\n2,0\n');
    expect(await labels(csv, 'aggre')).toEqual([3, 1, 0, 2]);
    expect(await labels(csv, 'worse')).toEqual([0, 0, 0, 0]);
    expect(await errorOf(() => labels(csv), csv)).toBe(
      'n.csv has 2 columns: "aggre", "worse".\nhint: Say which holds the labels: corruption.column=aggre',
    );
    expect(await errorOf(() => labels(csv, 'agre'), csv)).toContain(
      'has no column "agre"; it has "aggre", "worse".\nhint: Did you mean corruption.column=aggre?',
    );
    const plain = write('plain.txt', '3\n1\n0\n2');
    expect(await errorOf(() => labels(plain, 'x'), plain)).toContain('has no named columns');
  });

  it.each(['dictionary.npy', 'dictionary.pkl'])(
    'with true labels beside them is checked against the data: %s',
    async (name) => {
      const path = numpy(name);
      expect(await labels(path, 'aggre_label')).toEqual([3, 1, 0, 2]);
      expect(await labels(path, 'worse_label')).toEqual([0, 0, 0, 0]);
      expect(await errorOf(() => labels(path), path)).toContain('corruption.column=aggre_label');
      // True labels prove the order of data that was encoded anew, too.
      const imported = { ...info, origin: 'imported' as const };
      expect(await labels(path, 'aggre_label', imported)).toEqual([3, 1, 0, 2]);
      const shuffled = [1, 0, 2, 3];
      const file = await readLabelFile({ file: path, column: 'aggre_label' }, info);
      expect(await errorOf(() => labelsFrom(file, info, TRUE, shuffled), path)).toContain(
        `${name} is not in the order of mine: its clean_label agrees with the data for 2 of 4 examples (50.00 %).`,
      );
      // Of a subset the same: only the examples that are used are compared.
      expect([...labelsFrom(file, info, [2, 3], [2, 3])]).toEqual([0, 2]);
    },
  );

  it('is read from the fields of a structured array, and refused where one is no column', async () => {
    const fields = numpy('fields.npy');
    expect(await labels(fields, 'noisy')).toEqual([0, 2, 1, 3]);
    expect(await errorOf(() => labels(fields), fields)).toContain('corruption.column=noisy');
    const aligned = numpy('aligned.npy');
    expect(await labels(aligned)).toEqual([3, 2, 1, 0]);
    const file = await readLabelFile({ file: aligned }, info);
    expect(await errorOf(() => labelsFrom(file, info, TRUE, [1, 0, 2, 3]), aligned)).toContain(
      'its true_label agrees with the data for 2 of 4 examples',
    );
    for (const [name, why] of [
      ['nested.npy', "structures [('pair', '<i8', (2,)), ('label', '<i8')]"],
      ['dates.npy', 'structures whose "day" is of "<M8[D]"'],
    ] as const) {
      expect(await errorOf(() => labels(numpy(name)), name)).toContain(why);
    }
    // Cut, or of more structures than there are bytes.
    const whole = Buffer.from(NUMPY['aligned.npy']!, 'base64');
    const many = Buffer.from(whole.toString('latin1').replace('(4,)', '(9,)'), 'latin1');
    for (const bytes of [whole.subarray(0, -1), many]) {
      const path = write('cut.npy', bytes);
      expect(await errorOf(() => labels(path), path)).toContain('is damaged: it ends before');
    }
  });

  it('takes numbers for numbers whatever classes are called, where true labels show it', async () => {
    const numeric = { ...info, classes: ['0', '1', '10', '2'] };
    const csv = 'index,true_label,label,class\n0,0,3,2\n1,1,2,10\n2,2,1,1\n3,3,0,0\n';
    expect(await labels(write('a.csv', csv), undefined, numeric)).toEqual([3, 2, 1, 0]);
    // A column of names is one.
    const text = write('b.csv', csv.replaceAll(',1,1', ',1,0'));
    expect(await errorOf(() => labels(text, 'class', numeric), text)).toContain('"2", which is');
    const alone = write('c.csv', 'label\n3\n2\n1\n0\n');
    expect(await errorOf(() => labels(alone, undefined, numeric), alone)).toContain(
      '"2", which is',
    );
  });

  it('takes the names of classes as tables for spreadsheets have them', async () => {
    const odd = { ...info, classes: ['=a', 'b\u202e', 'c', 'd'] };
    const names = write('names.csv', "class\n'=a\nb\\u202e\n=a\nd\n");
    expect(await labels(names, 'class', odd)).toEqual([0, 1, 0, 3]);
  });

  it.each<[string, string | Buffer, string]>([
    ['UTF-16', Buffer.from('\uFEFF3\n1\n', 'utf16le'), 'it is UTF-16 text: save it as UTF-8'],
    ['Parquet', 'PAR1....', 'it is a Parquet file'],
    ['gzip', Buffer.from([0x1f, 0x8b, 8, 0]), 'it is a gzip file: unpack it'],
    ['HDF5', Buffer.from('\x89HDF\r\n', 'latin1'), 'it is an HDF5 file'],
    ['an image', Buffer.from('\x89PNG\r\n', 'latin1'), 'it is an image'],
    ['bytes', Buffer.from([51, 0, 49, 0]), 'it is no text'],
    ['a zip of anything', zip({ 'a.txt': 'a' }), 'not one that torch.save wrote'],
    ['a pickle that runs', "\x80\x02cposix\nsystem\n(S'x'\ntR.", 'asks for "posix.system"'],
    ['a pickle of no list', '\x80\x02N.', 'it holds no list or array of labels'],
    ['a matrix', Buffer.from(NUMPY['matrix.npy']!, 'base64'), 'an array of shape (4, 2)'],
    ['JSON by file', '{"cat/1.png": 3}', 'keys are no numbers of examples'],
    ['JSON by index, one twice', '{"0": 1, "00": 2}', 'example 0 comes twice'],
    ['JSON by index, one too many', '{"0": 1, "2": 2}', 'example 2 is among 2'],
    ['JSON cut', '[3, 1', 'is not valid JSON'],
    ['JSON of NaN', '[0, NaN]', 'is not valid JSON'],
    ['columns without names', '3,0\n1,0\n0,0\n2,0', 'it has 2 columns and no header'],
    ['uneven lines', 'a,b\n1,2\n3\n', 'line 3 has 1 cells, and the first line 2'],
    ['an index with a gap', 'id,label\n0,1\n5,1\n', 'example 5 is among 2'],
    ['two columns of one name', 'label,label\n0,1\n', 'two of its columns have one name'],
    ['a wrong name first', 'Cat\nb\na\nc', 'label 1 is "Cat", which is no class of mine'],
    ['a negative number', '-1\n1\n0\n2', 'label 1 is "-1"'],
    ['a fraction', '0.5\n1\n0\n2', 'label 1 is "0.5"'],
    ['nothing', '', 'has 1 labels, but mine has 4'],
  ])('that is %s is named as such', async (_, content, why) => {
    const path = write(
      'labels.bin',
      typeof content === 'string' ? Buffer.from(content, 'latin1') : content,
    );
    const message = await errorOf(() => labels(path), path);
    expect(message).toContain(why);
    expect(message).toContain('labels.bin');
  });
});
