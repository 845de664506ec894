import { readBounded } from '../../disk/reading.js';
import { RethinkError } from '../../errors.js';
import { quoted } from '../../text.js';
import { checkArray, elements, type NdArray, parseDtype } from './ndarray.js';

/** How a `.npy` file begins. */
export const NPY_MAGIC = Buffer.from('\x93NUMPY', 'latin1');

/** A header says a type and a shape. NumPy itself refuses longer ones. */
const MOST_HEADER_BYTES = 10_000;

/**
 * The array of a `.npy` file.
 *
 * @param limit Bytes of the largest file that is read.
 * @throws RethinkError (`data`) where it is damaged, too large or holds what is no plain array: objects, structures.
 */
export function readNpy(path: string, limit: number): NdArray {
  return parseNpy(readBounded(path, limit, 'input'), path);
}

/**
 * The pickle in a `.npy` file of Python's objects, where it is one: `numpy.save` of a dictionary makes such a file.
 *
 * @throws RethinkError (`data`) where it is no `.npy` file.
 */
export function pickleInNpy(bytes: Buffer, where: string): Buffer | undefined {
  const { header, start } = headerOf(bytes, where);
  return /'descr'\s*:\s*'\|O'/.test(header) ? bytes.subarray(start) : undefined;
}

/** {@link readNpy} of bytes; the array's data is a part of them. */
export function parseNpy(bytes: Buffer, where: string): NdArray {
  const { header, start } = headerOf(bytes, where);
  const descr = /'descr'\s*:\s*'([^']*)'/.exec(header)?.[1];
  const fortran = /'fortran_order'\s*:\s*(True|False)/.exec(header)?.[1];
  const sizes = /'shape'\s*:\s*\(([\d\s,L]*)\)/.exec(header)?.[1];
  if (fortran === undefined || sizes === undefined) {
    throw damaged(where, `its header is ${quoted(header.trim())}`);
  }
  const dtype = descr === undefined ? undefined : parseDtype(descr);
  if (dtype === undefined) {
    const holds = descr === undefined ? 'structures' : quoted(descr);
    throw new RethinkError('data', `${where} is an array of ${holds}, and not of plain numbers.`, {
      hint: 'Save numbers: array.astype("int64") for labels, "uint8" for images.',
    });
  }
  const shape = sizes
    .split(',')
    .map((size) => size.trim())
    .filter((size) => size !== '')
    .map((size) => Number.parseInt(size, 10));
  const data = bytes.subarray(start, start + elements(shape) * dtype.bytes);
  const array = { dtype, shape, fortran: fortran === 'True', data };
  checkArray(array, where);
  return array;
}

function headerOf(bytes: Buffer, where: string): { header: string; start: number } {
  if (!bytes.subarray(0, 6).equals(NPY_MAGIC) || bytes.length < 12) {
    throw new RethinkError('data', `${where} is no .npy file.`);
  }
  const version = bytes[6]!;
  if (version < 1 || version > 3) throw damaged(where, `its version is ${version}`);
  const length = version === 1 ? bytes.readUInt16LE(8) : bytes.readUInt32LE(8);
  const from = version === 1 ? 10 : 12;
  if (length > MOST_HEADER_BYTES || from + length > bytes.length) {
    throw damaged(where, 'its header has no end');
  }
  const encoding = version === 3 ? 'utf8' : 'latin1';
  return { header: bytes.toString(encoding, from, from + length), start: from + length };
}

function damaged(where: string, why: string): RethinkError {
  return new RethinkError('data', `${where} is damaged: ${why}.`, { hint: 'Get the file again.' });
}
