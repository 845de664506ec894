import { inflateSync } from 'node:zlib';
import { RethinkError } from '../../errors.js';

/**
 * What a MATLAB 5 file says of ImageNet's synsets: enough of the format for the devkit's `meta.mat`, a struct array
 * `synsets` with fields `ILSVRC2012_ID` and `WNID` ("MAT-File Format", MathWorks; compressed elements included).
 */

const HEADER = 128;
const INT8 = 1;
const UINT8 = 2;
const MATRIX = 14;
const COMPRESSED = 15;
const STRUCT_CLASS = 2;
/** The real one has 1,860 synsets; unpacked it is below a megabyte. */
const MOST_BYTES = 64 * 2 ** 20;

/** Bytes of each of the format's types of numbers, and how they are read. */
const NUMBERS: Record<number, [bytes: number, read: (data: Buffer, at: number) => number]> = {
  [INT8]: [1, (data, at) => data.readInt8(at)],
  [UINT8]: [1, (data, at) => data.readUInt8(at)],
  3: [2, (data, at) => data.readInt16LE(at)],
  4: [2, (data, at) => data.readUInt16LE(at)],
  5: [4, (data, at) => data.readInt32LE(at)],
  6: [4, (data, at) => data.readUInt32LE(at)],
  7: [4, (data, at) => data.readFloatLE(at)],
  9: [8, (data, at) => data.readDoubleLE(at)],
  // Characters, where they are one byte each.
  16: [1, (data, at) => data.readUInt8(at)],
  17: [2, (data, at) => data.readUInt16LE(at)],
};

interface Element {
  type: number;
  data: Buffer;
}

/**
 * WordNet names of synsets by the number that ground truth uses.
 *
 * @param where Names the file in errors.
 * @throws RethinkError (`data`) where it is none of these files, or damaged.
 */
export function readSynsets(file: Buffer, where: string): Map<number, string> {
  try {
    if (file.length < HEADER || file.toString('latin1', 126, 128) !== 'IM') {
      throw new Damage('it is no little-endian MATLAB 5 file');
    }
    for (const element of elements(file.subarray(HEADER))) {
      const [matrix] =
        element.type === COMPRESSED
          ? elements(inflateSync(element.data, { maxOutputLength: MOST_BYTES }))
          : [element];
      if (matrix?.type !== MATRIX) continue;
      const found = synsetsOf(matrix.data);
      if (found !== undefined) return found;
    }
    throw new Damage('it has no struct array of ILSVRC2012_ID and WNID');
  } catch (error) {
    const reason = error instanceof Damage ? error.message : 'an element is damaged';
    throw new RethinkError('data', `${where} cannot be read: ${reason}.`, {
      hint: 'It should be meta.mat of ILSVRC2012_devkit_t12.tar.gz.',
      cause: error,
    });
  }
}

class Damage extends Error {}

/** The elements of a stretch of bytes: a tag of type and length, then data, filled up to eight bytes. */
function* elements(bytes: Buffer): Generator<Element> {
  for (let at = 0; at + 8 <= bytes.length; ) {
    const first = bytes.readUInt32LE(at);
    const small = first >>> 16;
    if (small !== 0) {
      // Up to four bytes lie in the tag itself.
      if (small > 4) throw new Damage('a short element has more than four bytes');
      yield { type: first & 0xffff, data: bytes.subarray(at + 4, at + 4 + small) };
      at += 8;
      continue;
    }
    const length = bytes.readUInt32LE(at + 4);
    const end = at + 8 + length;
    if (end > bytes.length) throw new Damage('an element is longer than the file');
    yield { type: first, data: bytes.subarray(at + 8, end) };
    at = first === COMPRESSED ? end : at + 8 + Math.ceil(length / 8) * 8;
  }
}

/** `undefined` for a matrix that is something else. */
function synsetsOf(matrix: Buffer): Map<number, string> | undefined {
  const [flags, , , nameLength, names, ...cells] = elements(matrix);
  if (flags?.data[0] !== STRUCT_CLASS || nameLength === undefined || names === undefined) {
    return undefined;
  }
  const length = nameLength.data.readInt32LE(0);
  if (length < 1) throw new Damage('names of fields have no length');
  const fields: string[] = [];
  for (let at = 0; at < names.data.length; at += length) {
    fields.push(names.data.toString('latin1', at, at + length).replace(/\0.*$/s, ''));
  }
  const [id, wnid] = [fields.indexOf('ILSVRC2012_ID'), fields.indexOf('WNID')];
  if (id < 0 || wnid < 0) return undefined;
  const synsets = new Map<number, string>();
  for (let at = 0; at + fields.length <= cells.length; at += fields.length) {
    const [number] = valuesOf(cells[at + id]!);
    const name = String.fromCharCode(...valuesOf(cells[at + wnid]!));
    if (number === undefined || !/^n\d{8}$/.test(name)) {
      throw new Damage(`its synset ${synsets.size + 1} has no number or no name`);
    }
    synsets.set(number, name);
  }
  return synsets;
}

/** The numbers, or codes of characters, of a small matrix. */
function valuesOf({ type, data }: Element): number[] {
  if (type !== MATRIX) throw new Damage('a field is no matrix');
  const content = [...elements(data)][3];
  if (content === undefined) return [];
  const number = NUMBERS[content.type];
  if (number === undefined) throw new Damage(`a field has the unknown type ${content.type}`);
  const [bytes, read] = number;
  const count = Math.min(64, Math.floor(content.data.length / bytes));
  return Array.from({ length: count }, (_, i) => read(content.data, i * bytes));
}
