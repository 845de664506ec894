import { join } from 'node:path';
import { z } from 'zod';
import type { Confirm } from '../disk/files.js';
import { parseJson, toJson } from '../disk/json.js';
import type { HostState, StateSpec } from '../engines/types.js';
import { RethinkError } from '../errors.js';
import { keep, type Stored, type Tell, tellMissing } from '../results/stored.js';
import { readProgress, writtenProgress } from '../results/training.js';
import { PER_EXAMPLE } from '../train/memory.js';
import type { Checkpoint } from '../train/types.js';
import type { Header } from './safetensors.js';
import { readSealed, type SealedKind, writeSealed } from './sealed.js';

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

/** A checkpoint is one safetensors file, so that one rename replaces all of it. */
const CHECKPOINT: SealedKind = {
  format: 'rethink-gen checkpoint 1',
  is: 'a checkpoint of rethink-gen',
  dtypes: ['F32'],
  names: /^[a-z]+\d?\/[\w.\-/]{1,200}$/,
  namesAre: 'a name of a tensor of a run',
  largest: 16 * 2 ** 30,
};

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
  const metadata = {
    progress: toJson(writtenProgress(checkpoint.progress)),
    meta: toJson(checkpointMeta.written(meta)),
  };
  writeSealed(checkpointPath(directory, kind), CHECKPOINT, metadata, checkpoint.state, confirm);
}

/**
 * Reads a checkpoint, taking it for hostile until proven sound: every length is checked against the file's own before
 * memory is taken, and the digest before anything is given back.
 *
 * @param expected Tensors that the program has: others are refused before their data is read, but for what a loss remembers
 *   of training examples, which a program of an evaluation has no use for.
 * @param tell Hears what another version left out.
 * @throws RethinkError (`data`) naming the file and what is wrong with it; `failed` where it can't be read.
 */
export function loadCheckpoint(
  path: string,
  expected?: StateSpec[],
  tell?: Tell,
): { checkpoint: Checkpoint; meta: StoredMeta } {
  const { metadata, tensors } = readSealed(path, CHECKPOINT, (header) => {
    if (expected !== undefined) checkExpected(header, expected, path);
  });
  const progress = readProgress(metadata.get('progress') ?? '', `${path} (progress)`, tell);
  const wanted = new Set(expected?.map(({ name }) => name));
  const state = Object.entries(tensors).filter(
    ([name]) => expected === undefined || wanted.has(name),
  );
  return {
    checkpoint: { state: Object.fromEntries(state) as HostState, progress },
    meta: metaOf(metadata, path, tell),
  };
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
  const wanted = new Set(expected.map(({ name }) => name));
  const needed = tensors.filter(({ name }) => wanted.has(name) || !name.startsWith(PER_EXAMPLE));
  if (needed.length !== expected.length) {
    throw new RethinkError(
      'data',
      `${path} is of another model: it has ${tensors.length} tensors instead of ${expected.length}.`,
    );
  }
}

function metaOf(metadata: Header['metadata'], path: string, tell?: Tell): StoredMeta {
  const where = `${path} (meta)`;
  const meta = parseJson(metadata.get('meta') ?? '', checkpointMeta.schema, where);
  tellMissing(where, checkpointMeta.missing(meta), tell);
  return meta;
}
