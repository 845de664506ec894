import { createHash, type Hash } from 'node:crypto';
import { endianness } from 'node:os';
import { join } from 'node:path';
import { z } from 'zod';
import { type Confirm, writeFileAtomic } from '../disk/files.js';
import { parseJson, toJson } from '../disk/json.js';
import { type OpenFile, withOpenFile } from '../disk/reading.js';
import type { HostState, HostTensor, StateSpec } from '../engines/types.js';
import { RethinkError } from '../errors.js';
import { keep, type Stored, type Tell, tellMissing } from '../results/stored.js';
import { readProgress, writtenProgress } from '../results/training.js';
import { sizeOf } from '../shape.js';
import type { Checkpoint } from '../train/types.js';
import {
  damaged,
  decodeHeader,
  encodeHeader,
  type Header,
  LARGEST_HEADER,
  LENGTH_BYTES,
  quote,
} from './safetensors.js';

/**
 * A checkpoint is one safetensors file, so that one rename replaces all of it. The first key of its metadata is a SHA-256
 * of the whole file, taken with zeros in the digest's own place: no bit of it can change unnoticed.
 */

const META = {
  configHash: z.string(),
  /** Of the config without what may change on a resume; absent in files of early versions. */
  resumeHash: z.string().optional(),
  dataHash: z.string(),
  corruptionHash: z.string(),
  /** Of rethink-gen. */
  version: z.string(),
  seeds: z.strictObject({ data: z.int(), corruption: z.int(), init: z.int() }),
};

const NEEDED = ['configHash', 'dataHash', 'corruptionHash'] as const;
const checkpointMeta = keep(META, NEEDED);

/** Conditions of a checkpoint: resuming under others would not be the same run. */
export type CheckpointMeta = z.output<z.ZodObject<typeof META>>;
export type StoredMeta = Stored<CheckpointMeta, (typeof NEEDED)[number]>;

export type CheckpointKind = 'last' | 'best';

const FORMAT = 'rethink-gen checkpoint 1';
const NO_DIGEST = '0'.repeat(64);
const DIGEST_PREFIX = '{"__metadata__":{"sha256":"';
const DIGEST_AT = LENGTH_BYTES + DIGEST_PREFIX.length;
const LARGEST_FILE = 16 * 2 ** 30;
const TENSOR_NAME = /^(param|velocity|statistic)\/[\w.\-/]{1,200}$/;

/** Where a run directory's `checkpoints/` keeps the last or the best checkpoint. */
export function checkpointPath(directory: string, kind: CheckpointKind): string {
  return join(directory, `${kind}.safetensors`);
}

/**
 * Replaces the last or the best checkpoint; a kill at any instant leaves the older one.
 *
 * @param directory The run's `checkpoints/`.
 * @param confirm Throws where the run is no longer this process's.
 * @throws RethinkError (`failed`) naming the path and what the disk said; the older checkpoint is intact.
 */
export function saveCheckpoint(
  directory: string,
  kind: CheckpointKind,
  checkpoint: Checkpoint,
  meta: CheckpointMeta,
  confirm?: Confirm,
): void {
  const tensors = Object.entries(checkpoint.state).map(([name, { shape, data }]) => {
    // Better no checkpoint than one that can't be read back.
    if (!TENSOR_NAME.test(name)) throw new TypeError(`${name} can't be the name of a tensor`);
    if (sizeOf(shape) !== data.length) throw new TypeError(`${name} has not the size of its shape`);
    return { name, shape };
  });
  const header = encodeHeader(
    {
      sha256: NO_DIGEST,
      format: FORMAT,
      progress: toJson(writtenProgress(checkpoint.progress)),
      meta: toJson(checkpointMeta.written(meta)),
    },
    tensors,
  );
  const data = Object.values(checkpoint.state).map(({ data }) => littleEndianBytes(data));
  const hash = createHash('sha256').update(header);
  for (const part of data) hash.update(part);
  header.write(hash.digest('hex'), DIGEST_AT, 'latin1');
  writeFileAtomic(checkpointPath(directory, kind), [header, ...data], 'run', confirm);
}

/**
 * Reads a checkpoint, taking it for hostile until proven sound: every length is checked against the file's own before
 * memory is taken, and the digest before anything is given back.
 *
 * @param expected Tensors that the program has: others are refused before their data is read.
 * @param tell Hears what another version left out.
 * @throws RethinkError (`data`) naming the file and what is wrong with it; `failed` where it can't be read.
 */
export function loadCheckpoint(
  path: string,
  expected?: StateSpec[],
  tell?: Tell,
): { checkpoint: Checkpoint; meta: StoredMeta } {
  return withOpenFile(path, (file) => {
    const bytes = readHeader(file);
    const json = bytes.subarray(LENGTH_BYTES);
    const header = decodeHeader(json, file.size - bytes.byteLength, path);
    checkNames(header, path);
    if (expected !== undefined) checkExpected(header, expected, path);

    const claimed = bytes.toString('latin1', DIGEST_AT, DIGEST_AT + NO_DIGEST.length);
    bytes.write(NO_DIGEST, DIGEST_AT, 'latin1');
    const hash = createHash('sha256').update(bytes);
    const state = readState(file, header, bytes.byteLength, hash);
    if (hash.digest('hex') !== claimed) throw damaged(path, 'its SHA-256 does not fit its content');
    const written = header.metadata.get('progress') ?? '';
    const progress = readProgress(written, `${path} (progress)`, tell);
    return {
      checkpoint: { state, progress },
      meta: metaOf(header, path, tell),
    };
  });
}

/** Length and header, by their claimed length, and nothing behind them. */
function readHeader(file: OpenFile): Buffer {
  const { path, size } = file;
  if (size > LARGEST_FILE) throw damaged(path, `it has ${size} bytes, more than ${LARGEST_FILE}`);
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
    throw new RethinkError('data', `${path} is not a checkpoint of rethink-gen.`);
  }
  return header;
}

function checkNames({ tensors, metadata }: Header, path: string): void {
  if (metadata.get('format') !== FORMAT) {
    throw new RethinkError(
      'data',
      `${path} is in format ${quote(metadata.get('format'))}, not ${quote(FORMAT)}.`,
      { hint: 'It may come from another version of rethink-gen: resume it with that one.' },
    );
  }
  const strange = tensors.find(({ name }) => !TENSOR_NAME.test(name));
  if (strange !== undefined) {
    throw damaged(path, `${quote(strange.name)} is not a name of a tensor of a run`);
  }
}

function checkExpected({ tensors }: Header, expected: StateSpec[], path: string): void {
  const found = new Map(tensors.map(({ name, shape }) => [name, shape.join('×')]));
  for (const { name, shape } of expected) {
    const got = found.get(name);
    if (got === shape.join('×')) continue;
    const what = got === undefined ? 'is missing' : `has shape [${got}]`;
    throw new RethinkError(
      'data',
      `${path} is of another model: ${name} ${what} and should have [${shape.join('×')}].`,
    );
  }
  if (tensors.length !== expected.length) {
    throw new RethinkError(
      'data',
      `${path} is of another model: it has ${tensors.length} tensors instead of ${expected.length}.`,
    );
  }
}

function readState(file: OpenFile, { tensors }: Header, dataAt: number, hash: Hash): HostState {
  const state: Record<string, HostTensor> = {};
  for (const { name, shape, begin, end } of tensors) {
    const data = new Float32Array((end - begin) / 4);
    const bytes = new Uint8Array(data.buffer);
    file.readInto(bytes, dataAt + begin);
    hash.update(bytes);
    if (endianness() === 'BE') Buffer.from(data.buffer).swap32();
    state[name] = { shape, data };
  }
  return state;
}

function littleEndianBytes(data: Float32Array): Uint8Array {
  const bytes = Buffer.from(data.buffer, data.byteOffset, data.byteLength);
  return endianness() === 'BE' ? Buffer.from(bytes).swap32() : bytes;
}

function metaOf({ metadata }: Header, path: string, tell?: Tell): StoredMeta {
  const where = `${path} (meta)`;
  const meta = parseJson(metadata.get('meta') ?? '', checkpointMeta.schema, where);
  tellMissing(where, checkpointMeta.missing(meta), tell);
  return meta;
}
