import { readInTurns } from '../../disk/reading.js';
import { RethinkError } from '../../errors.js';
import type { takingTurns } from '../../progress.js';
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
export async function readNpy(
  path: string,
  limit: number,
  turn: ReturnType<typeof takingTurns>,
): Promise<NdArray> {
  return parseNpy(await readInTurns(path, limit, 'input', turn), path);
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

/** The fields of a structure in NumPy's header, each `('name', '<i8')`; padding has no name. */
const FIELDS = /\(\s*'([^']*)'\s*,\s*'([^']*)'\s*\)\s*,?\s*/g;

/**
 * The fields of a `.npy` file of structures, each as an array of its own, where it is one: a structured array of NumPy's, or a
 * table of pandas' (`to_records`).
 *
 * @throws RethinkError (`data`) where it is no `.npy` file, or a field holds what is no plain number or text.
 */
export function fieldsInNpy(bytes: Buffer, where: string): Map<string, NdArray> | undefined {
  const { header, start } = headerOf(bytes, where);
  const list = /'descr'\s*:\s*\[(.*)\]\s*,\s*'fortran_order'/.exec(header)?.[1];
  if (list === undefined) return undefined;
  const { shape } = layoutOf(header, where);
  if (list.replace(FIELDS, '').trim() !== '') throw notPlain(where, `structures [${list}]`);
  let offset = 0;
  const fields = [...list.matchAll(FIELDS)].map(([, name = '', descr = '']) => {
    const padding = /^\|V(\d{1,9})$/.exec(descr)?.[1];
    const dtype = padding === undefined ? parseDtype(descr) : undefined;
    if (padding === undefined && dtype === undefined) {
      throw notPlain(where, `structures whose ${quoted(name)} is of ${quoted(descr)}`);
    }
    const field = { name, dtype, offset };
    offset += dtype?.bytes ?? Number(padding);
    return field;
  });
  const count = elements(shape);
  // One structure after another: their bytes are many times those of a field.
  if (!(start + count * offset <= bytes.length)) {
    throw damaged(where, `it ends before ${count} structures of ${offset} bytes`);
  }
  const arrays = fields.flatMap(({ name, dtype, offset: first }): [string, NdArray][] => {
    if (dtype === undefined || name === '') return [];
    const data = new Uint8Array(count * dtype.bytes);
    for (let i = 0; i < count; i++) {
      const from = start + i * offset + first;
      data.set(bytes.subarray(from, from + dtype.bytes), i * dtype.bytes);
    }
    return [[name, { dtype, shape, fortran: false, data }]];
  });
  return new Map(arrays);
}

/**
 * How a `.npy` file begins whose array has one axis; the elements' bytes follow.
 *
 * @param descr As NumPy's own description of the type: `'<i8'`, or a list of fields, in Python's spelling.
 */
export function npyHeader(descr: string, count: number): Buffer {
  const header = `{'descr': ${descr}, 'fortran_order': False, 'shape': (${count},), }`;
  // The elements begin at a multiple of 64 bytes.
  const length = Math.ceil((11 + header.length) / 64) * 64 - 10;
  const size = Buffer.alloc(2);
  size.writeUInt16LE(length);
  const text = Buffer.from(`${header.padEnd(length - 1)}\n`, 'latin1');
  return Buffer.concat([NPY_MAGIC, Buffer.from([1, 0]), size, text]);
}

/** {@link readNpy} of bytes; the array's data is a part of them. */
export function parseNpy(bytes: Buffer, where: string): NdArray {
  const { header, start } = headerOf(bytes, where);
  const descr = /'descr'\s*:\s*'([^']*)'/.exec(header)?.[1];
  const { fortran, shape } = layoutOf(header, where);
  const dtype = descr === undefined ? undefined : parseDtype(descr);
  if (dtype === undefined) {
    throw notPlain(where, descr === undefined ? 'structures' : quoted(descr));
  }
  const data = bytes.subarray(start, start + elements(shape) * dtype.bytes);
  const array = { dtype, shape, fortran, data };
  checkArray(array, where);
  return array;
}

function layoutOf(header: string, where: string): Pick<NdArray, 'fortran' | 'shape'> {
  const fortran = /'fortran_order'\s*:\s*(True|False)/.exec(header)?.[1];
  const sizes = /'shape'\s*:\s*\(([\d\s,L]*)\)/.exec(header)?.[1];
  if (fortran === undefined || sizes === undefined) {
    throw damaged(where, `its header is ${quoted(header.trim())}`);
  }
  const shape = sizes
    .split(',')
    .map((size) => size.trim())
    .filter((size) => size !== '')
    .map((size) => Number.parseInt(size, 10));
  return { fortran: fortran === 'True', shape };
}

function notPlain(where: string, holds: string): RethinkError {
  return new RethinkError('data', `${where} is an array of ${holds}, and not of plain numbers.`, {
    hint: 'Save numbers: array.astype("int64") for labels, "uint8" for images.',
  });
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
