import { createHash, type Hash } from 'node:crypto';
import { endianness } from 'node:os';
import { type Confirm, writeFileAtomic } from '../disk/files.js';
import { type OpenFile, withOpenFile } from '../disk/reading.js';
import { RethinkError } from '../errors.js';
import { sizeOf } from '../shape.js';
import {
  type Dtype,
  damaged,
  decodeHeader,
  encodeHeader,
  type Header,
  LARGEST_HEADER,
  LENGTH_BYTES,
  quote,
} from './safetensors.js';

/**
 * A sealed file is a safetensors file. The first key of its metadata is a SHA-256 of the whole file, taken with zeros in
 * the digest's own place: no bit of it can change unnoticed.
 */

/** What is put into a file of one kind, and taken out of it. */
export interface SealedKind {
  /** The second key of the metadata. */
  format: string;
  /** For errors: `a checkpoint of rethink-gen`. */
  is: string;
  dtypes: readonly Dtype[];
  /** What its tensors may be called, and what such a name is, for errors. */
  names: RegExp;
  namesAre: string;
  /** In bytes. */
  largest: number;
}

export type Numbers = Float32Array | Int32Array | Uint32Array | Uint16Array | Uint8Array;

export interface SealedTensor {
  shape: number[];
  data: Numbers;
}

/** The arrays that hold each type. */
const ARRAYS: Record<Dtype, new (length: number) => Numbers> = {
  F32: Float32Array,
  I32: Int32Array,
  U32: Uint32Array,
  U16: Uint16Array,
  U8: Uint8Array,
};
const DTYPES = Object.keys(ARRAYS) as Dtype[];

const NO_DIGEST = '0'.repeat(64);
const DIGEST_PREFIX = '{"__metadata__":{"sha256":"';
const DIGEST_AT = LENGTH_BYTES + DIGEST_PREFIX.length;

/**
 * Replaces a sealed file; a kill at any instant leaves the older one.
 *
 * @param confirm Throws where the run is no longer this process's.
 * @throws RethinkError (`failed`) naming the path and what the disk said; the older file is intact.
 */
export function writeSealed(
  path: string,
  kind: SealedKind,
  metadata: Record<string, string>,
  tensors: Readonly<Record<string, SealedTensor>>,
  confirm?: Confirm,
): void {
  const entries = Object.entries(tensors).map(([name, { shape, data }]) => {
    // Better no file than one that can't be read back.
    if (!kind.names.test(name)) throw new TypeError(`${name} can't be the name of a tensor`);
    if (sizeOf(shape) !== data.length) throw new TypeError(`${name} has not the size of its shape`);
    const dtype = DTYPES.find((each) => data instanceof ARRAYS[each])!;
    return { name, dtype, shape };
  });
  const header = encodeHeader({ sha256: NO_DIGEST, format: kind.format, ...metadata }, entries);
  const data = Object.values(tensors).map((tensor) => littleEndianBytes(tensor.data));
  const hash = createHash('sha256').update(header);
  for (const part of data) hash.update(part);
  header.write(hash.digest('hex'), DIGEST_AT, 'latin1');
  writeFileAtomic(path, [header, ...data], 'run', confirm);
}

/**
 * Reads a sealed file, taking it for hostile until proven sound: every length is checked against the file's own before
 * memory is taken, and the digest before anything is given back.
 *
 * @param check Of what the header says, before the data is read: it throws where that is not what is expected.
 * @throws RethinkError (`data`) naming the file and what is wrong with it; `failed` where it can't be read.
 */
export function readSealed(
  path: string,
  kind: SealedKind,
  check: (header: Header) => void = () => {},
): { metadata: Map<string, string>; tensors: Record<string, SealedTensor> } {
  return withOpenFile(path, (file) => {
    const bytes = readHeader(file, kind);
    const json = bytes.subarray(LENGTH_BYTES);
    const header = decodeHeader(json, file.size - bytes.byteLength, path, kind.dtypes);
    checkKind(header, kind, path);
    check(header);

    const claimed = bytes.toString('latin1', DIGEST_AT, DIGEST_AT + NO_DIGEST.length);
    bytes.write(NO_DIGEST, DIGEST_AT, 'latin1');
    const hash = createHash('sha256').update(bytes);
    const tensors = readTensors(file, header, bytes.byteLength, hash);
    if (hash.digest('hex') !== claimed) throw damaged(path, 'its SHA-256 does not fit its content');
    return { metadata: header.metadata, tensors };
  });
}

/** Length and header, by their claimed length, and nothing behind them. */
function readHeader(file: OpenFile, { is, largest }: SealedKind): Buffer {
  const { path, size } = file;
  if (size > largest) throw damaged(path, `it has ${size} bytes, more than ${largest}`);
  if (size < DIGEST_AT + NO_DIGEST.length) throw damaged(path, `it has only ${size} bytes`);
  const length = Buffer.alloc(LENGTH_BYTES);
  file.readInto(length, 0);
  const claimed = length.readBigUInt64LE();
  if (claimed > BigInt(Math.min(size - LENGTH_BYTES, LARGEST_HEADER))) {
    throw damaged(path, `its header claims to have ${claimed} bytes`);
  }
  const header = Buffer.alloc(LENGTH_BYTES + Number(claimed));
  file.readInto(header, 0);
  if (header.toString('latin1', LENGTH_BYTES, DIGEST_AT) !== DIGEST_PREFIX) {
    throw new RethinkError('data', `${path} is not ${is}.`);
  }
  return header;
}

function checkKind({ tensors, metadata }: Header, kind: SealedKind, path: string): void {
  if (metadata.get('format') !== kind.format) {
    throw new RethinkError(
      'data',
      `${path} is in format ${quote(metadata.get('format'))}, not ${quote(kind.format)}.`,
      { hint: 'It may come from another version of rethink-gen: resume it with that one.' },
    );
  }
  const strange = tensors.find(({ name }) => !kind.names.test(name));
  if (strange !== undefined) {
    throw damaged(path, `${quote(strange.name)} is not ${kind.namesAre}`);
  }
}

function readTensors(
  file: OpenFile,
  { tensors }: Header,
  dataAt: number,
  hash: Hash,
): Record<string, SealedTensor> {
  const read: Record<string, SealedTensor> = {};
  for (const { name, dtype, shape, begin } of tensors) {
    const data = new ARRAYS[dtype](sizeOf(shape));
    const bytes = new Uint8Array(data.buffer);
    file.readInto(bytes, dataAt + begin);
    hash.update(bytes);
    if (endianness() === 'BE') swap(Buffer.from(data.buffer), data.BYTES_PER_ELEMENT);
    read[name] = { shape, data };
  }
  return read;
}

function littleEndianBytes(data: Numbers): Uint8Array {
  const bytes = Buffer.from(data.buffer, data.byteOffset, data.byteLength);
  return endianness() === 'BE' ? swap(Buffer.from(bytes), data.BYTES_PER_ELEMENT) : bytes;
}

function swap(bytes: Buffer, each: number): Buffer {
  if (each === 4) return bytes.swap32();
  return each === 2 ? bytes.swap16() : bytes;
}
