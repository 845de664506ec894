import { existsSync } from 'node:fs';
import { csvLines } from '../csv.js';
import { writeFileAtomic } from '../disk/files.js';
import type { HostState } from '../engines/types.js';
import { RethinkError } from '../errors.js';
import { encodeHeader } from './safetensors.js';

/** One example as a trained network sees it. */
export interface ExampleRow {
  split: 'train' | 'test';
  /** Position in the source. */
  index: number;
  true_label: number;
  /** As evaluated against: the corrupted one, in the training split. */
  label: number;
  /** 1 where a corruption of pixels took the image. */
  image_changed: number;
  prediction: number;
  /** Cross-entropy with `label`, in nats. */
  loss: number;
  /** Of `label`. */
  probability: number;
}

const COLUMNS = [
  'split',
  'index',
  'true_label',
  'label',
  'image_changed',
  'prediction',
  'loss',
  'probability',
] as const satisfies readonly (keyof ExampleRow)[];

/**
 * Refuses a path that exists: an export never replaces a file.
 *
 * @throws RethinkError (`usage`) naming it.
 */
export function requireFree(path: string): void {
  if (existsSync(path)) {
    throw new RethinkError('usage', `${path} exists already.`, {
      hint: 'Remove it or choose another name: exports overwrite nothing.',
    });
  }
}

/** Writes labels, predictions and losses example by example, as CSV. */
export function writeExamples(path: string, rows: ExampleRow[]): void {
  const cells = (row: ExampleRow) => COLUMNS.map((column) => row[column]);
  writeFileAtomic(path, csvLines([COLUMNS, ...rows.map(cells)]));
}

/**
 * Writes parameters and BatchNorm statistics (nothing that the optimizer keeps) as a safetensors file, under the names that the model gives
 * them, for use elsewhere.
 */
export function writeWeights(
  path: string,
  state: HostState,
  metadata: Record<string, string>,
): void {
  const weights = Object.entries(state).filter(([name]) => /^(param|statistic)\//.test(name));
  const tensors = weights.map(([name, { shape }]) => ({
    name: name.slice(name.indexOf('/') + 1),
    shape,
  }));
  const data = weights.map(
    ([, { data: values }]) => new Uint8Array(values.buffer, values.byteOffset, values.byteLength),
  );
  writeFileAtomic(path, [encodeHeader(metadata, tensors), ...data]);
}
