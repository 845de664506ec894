import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { bytesOf, describeDtype, parseDtype, valuesOf } from '../../../src/data/numpy/ndarray.js';
import { parseNpy, readNpy } from '../../../src/data/numpy/npy.js';
import { takingTurns } from '../../../src/progress.js';
import { temporaryFolder } from '../../helpers/temporary-folder.js';
import { npy } from '../helpers.js';

describe('.npy', () => {
  it.each([
    ['<i8', Buffer.from(new BigInt64Array([3n, -1n]).buffer), [3, -1]],
    ['<i4', Buffer.from(new Int32Array([3, -1]).buffer), [3, -1]],
    ['>i4', Buffer.from([0, 0, 0, 3, 255, 255, 255, 255]), [3, -1]],
    ['<u2', Buffer.from([1, 0, 0, 1]), [1, 256]],
    ['|u1', Buffer.from([3, 255]), [3, 255]],
    ['|i1', Buffer.from([3, 255]), [3, -1]],
    ['|b1', Buffer.from([0, 1]), [0, 1]],
    ['<f4', Buffer.from(new Float32Array([0.5, -2]).buffer), [0.5, -2]],
    ['<f8', Buffer.from(new Float64Array([0.5, -2]).buffer), [0.5, -2]],
    ['|S3', Buffer.from('cat\0\0\0'), ['cat', '']],
    ['<U2', Buffer.from('a\0\0\0b\0\0\0é\0\0\0\0\0\0\0', 'latin1'), ['ab', 'é']],
  ])('of %s is read', (descr, data, values) => {
    for (const version of [1, 2, 3]) {
      const array = parseNpy(npy(descr, '(2,)', data, { version }), 'x.npy');
      expect([array.shape, valuesOf(array, 'x.npy')]).toEqual([[2], values]);
      expect(describeDtype(array.dtype)).toBe(descr);
    }
  });

  it('is given in row-major order, whichever axis runs fastest in the file', () => {
    const rows = parseNpy(npy('|u1', '(2, 3)', Buffer.from([0, 1, 2, 3, 4, 5])), 'x');
    const columns = parseNpy(
      npy('|u1', '(2, 3)', Buffer.from([0, 3, 1, 4, 2, 5]), { fortran: true }),
      'x',
    );
    for (const array of [rows, columns]) {
      expect(valuesOf(array, 'x')).toEqual([0, 1, 2, 3, 4, 5]);
      expect([...bytesOf(array)]).toEqual([0, 1, 2, 3, 4, 5]);
    }
    expect(parseNpy(npy('|u1', '()', Buffer.from([7])), 'x').shape).toEqual([]);
  });

  it.each([
    ['objects', npy('|O', '(2,)', Buffer.alloc(16)), 'an array of "|O"'],
    ['complex numbers', npy('<c8', '(2,)', Buffer.alloc(16)), 'an array of "<c8"'],
    ['half floats', npy('<f2', '(2,)', Buffer.alloc(4)), 'an array of "<f2"'],
    ['structures', npy("', [('a', '<i4')], '", '(2,)', Buffer.alloc(8)), 'not of plain numbers'],
    ['a petabyte', npy('|u1', '(1125899906842624,)', Buffer.alloc(9)), 'shape (1125899906842624)'],
    ['a shape beyond numbers', npy('|u1', `(${'9'.repeat(400)},)`, Buffer.alloc(9)), 'damaged'],
    ['too few bytes', npy('<i8', '(2,)', Buffer.alloc(15)), 'has 15 bytes'],
    ['a header without a shape', npy('<i8', '?', Buffer.alloc(16)), 'its header is'],
    ['a header without an end', npy('|u1', '(1,)', Buffer.alloc(1)).subarray(0, 30), 'no end'],
    ['another version', npy('|u1', '(1,)', Buffer.alloc(1), { version: 9 }), 'its version is 9'],
    ['no magic', Buffer.from('label\n1\n2\n3\n4\n'), 'is no .npy file'],
    ['nothing', Buffer.alloc(0), 'is no .npy file'],
  ])('of %s is refused', (_, bytes, why) => {
    expect(() => parseNpy(bytes, 'x.npy')).toThrow(why);
  });

  it('of whole numbers beyond 2⁵³ is refused, not rounded', () => {
    const data = Buffer.from(new BigInt64Array([2n ** 53n + 1n]).buffer);
    expect(() => valuesOf(parseNpy(npy('<i8', '(1,)', data), 'x'), 'x')).toThrow('too large');
  });

  it('that is larger than asked for is not read', async () => {
    const path = join(temporaryFolder(), 'x.npy');
    writeFileSync(path, npy('|u1', '(1000,)', Buffer.alloc(1000)));
    const turn = takingTurns({}, 'reading');
    expect((await readNpy(path, 2000, turn)).shape).toEqual([1000]);
    await expect(readNpy(path, 500, turn)).rejects.toThrow('more than 500 bytes');
  });

  it('knows no type of another size', () => {
    for (const descr of ['<i3', '<f2', '|b2', '<U', 'i', '', '<i8,', 'O8', '|S0', '<U0']) {
      expect(parseDtype(descr)).toBeUndefined();
    }
  });
});
