import { RethinkError } from '../errors.js';
import { sizeOf } from '../shape.js';

/** Bytes of the header's length, at the start of the file. */
export const LENGTH_BYTES = 8;
/** A thousand tensors need about 100 KiB. */
export const LARGEST_HEADER = 4 * 1024 * 1024;
const LARGEST_TENSOR = 2 ** 31;

/** Types of numbers that are written and read, little-endian, with the bytes of each. */
export const DTYPE_BYTES = { F32: 4, I32: 4, U32: 4, U16: 2, U8: 1 };
export type Dtype = keyof typeof DTYPE_BYTES;

export interface TensorEntry {
  name: string;
  dtype: Dtype;
  shape: number[];
  /** Bytes from the start of the data, which follows the header: first, and one past the last. */
  begin: number;
  end: number;
}

export interface Header {
  metadata: Map<string, string>;
  tensors: TensorEntry[];
}

/**
 * The length and the JSON header of a safetensors file, padded with spaces so that the data starts at a multiple of 8
 * bytes. Tensors are of float32 where they don't say otherwise.
 */
export function encodeHeader(
  metadata: Record<string, string>,
  tensors: { name: string; dtype?: Dtype; shape: number[] }[],
): Buffer {
  const entries: [string, unknown][] = [['__metadata__', metadata]];
  let begin = 0;
  for (const { name, dtype = 'F32', shape } of tensors) {
    const end = begin + DTYPE_BYTES[dtype] * sizeOf(shape);
    entries.push([name, { dtype, shape, data_offsets: [begin, end] }]);
    begin = end;
  }
  const json = Buffer.from(JSON.stringify(Object.fromEntries(entries)));
  const padded = Math.ceil(json.byteLength / 8) * 8;
  const header = Buffer.alloc(LENGTH_BYTES + padded, ' ');
  header.writeBigUInt64LE(BigInt(padded));
  json.copy(header, LENGTH_BYTES);
  return header;
}

/**
 * Reads the JSON of a header that may come from a stranger. Only what `encodeHeader` writes is taken: each name once, and
 * tensors that fill the data one after another without gap or overlap.
 *
 * @param json Header without its length.
 * @param dataBytes What the file holds after the header.
 * @param dtypes Types that its tensors may have.
 * @throws RethinkError (`data`) naming the file.
 */
export function decodeHeader(
  json: Buffer,
  dataBytes: number,
  path: string,
  dtypes: readonly Dtype[] = ['F32'],
): Header {
  const header = parse(json, path);
  let metadata = new Map<string, string>();
  const tensors: TensorEntry[] = [];
  let begin = 0;
  for (const [name, value] of Object.entries(header)) {
    if (name === '__metadata__') {
      metadata = readMetadata(value, path);
      continue;
    }
    const entry = readEntry(name, value, begin, { path, dtypes });
    tensors.push(entry);
    begin = entry.end;
  }
  if (begin !== dataBytes) {
    throw damaged(path, `its tensors have ${begin} bytes and its data ${dataBytes}`);
  }
  return { metadata, tensors };
}

function parse(json: Buffer, path: string): Record<string, unknown> {
  const text = json.toString('utf8').replace(/ +$/, '');
  let value: unknown;
  try {
    value = JSON.parse(text);
    // Names given twice, odd numbers and odd spacing don't survive the way back.
    if (JSON.stringify(value) !== text) throw new SyntaxError('not in canonical form');
  } catch (error) {
    // A RangeError where it is nested too deeply for the way back.
    throw new RethinkError('data', `${path} is damaged: its header is not as it was written.`, {
      cause: error,
    });
  }
  if (!isObject(value)) throw damaged(path, 'its header is not an object');
  return value;
}

function readMetadata(value: unknown, path: string): Map<string, string> {
  if (!isObject(value)) throw damaged(path, 'its metadata is not an object');
  const metadata = new Map<string, string>();
  for (const [key, text] of Object.entries(value)) {
    if (typeof text !== 'string') throw damaged(path, `its metadata ${quote(key)} is not a string`);
    metadata.set(key, text);
  }
  return metadata;
}

function readEntry(
  name: string,
  value: unknown,
  begin: number,
  { path, dtypes }: { path: string; dtypes: readonly Dtype[] },
): TensorEntry {
  const wrong = (what: string) => damaged(path, `tensor ${quote(name)} ${what}`);
  if (!isObject(value) || Object.keys(value).join() !== 'dtype,shape,data_offsets') {
    throw wrong('is not described by dtype, shape and data_offsets');
  }
  const { dtype: given, shape, data_offsets: offsets } = value;
  const dtype = dtypes.find((each) => each === given);
  if (dtype === undefined) {
    throw wrong(`has dtype ${quote(given)} instead of ${dtypes.join(' or ')}`);
  }
  if (!isShape(shape)) throw wrong('has an impossible shape');
  const end = begin + DTYPE_BYTES[dtype] * sizeOf(shape);
  if (!Array.isArray(offsets) || offsets.length !== 2) throw wrong('has no data_offsets');
  if (offsets[0] !== begin || offsets[1] !== end) {
    throw wrong(`says bytes ${quote(offsets)} where its shape means ${begin} to ${end}`);
  }
  return { name, dtype, shape, begin, end };
}

function isShape(shape: unknown): shape is number[] {
  if (!Array.isArray(shape) || shape.length > 8) return false;
  if (!shape.every((side) => Number.isSafeInteger(side) && side >= 0)) return false;
  return sizeOf(shape) <= LARGEST_TENSOR;
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** A stranger's value in an error message: short, and without control characters. */
export function quote(value: unknown): string {
  const text = JSON.stringify(value) ?? 'undefined';
  return text.length > 80 ? `${text.slice(0, 80)}…` : text;
}

export function damaged(path: string, what: string): RethinkError {
  return new RethinkError('data', `${path} is damaged: ${what}.`);
}
