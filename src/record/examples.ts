import { readdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';
import { diskError } from '../disk/errors.js';
import { type Confirm, ensureFolder } from '../disk/files.js';
import { parseJson, toJson } from '../disk/json.js';
import { refuseLink } from '../disk/own-file.js';
import { isThere } from '../disk/reading.js';
import { RethinkError } from '../errors.js';
import type { ExampleEpoch, ExampleLabels } from '../results/examples.js';
import { grouped } from '../text.js';
import type { Evaluation } from '../train/evaluate.js';
import { checkColumns, checkLabels, narrowed, tensorsOf } from './columns.js';
import { damaged } from './safetensors.js';
import { readSealed, type SealedKind, writeSealed } from './sealed.js';

/**
 * `examples/` of a run with `record.examples`: `labels.safetensors`, and a file for each evaluated epoch. All are columns
 * in the order of the training set, and readable by whatever reads safetensors.
 */

const LARGEST_FILE = 4 * 2 ** 30;

const LABELS: SealedKind = {
  format: 'rethink-gen example labels 1',
  is: 'a file of example labels of rethink-gen',
  dtypes: ['U32', 'I32', 'U8'],
  names: /^(index|true_label|given_label|drawn|changed)$/,
  namesAre: 'a column of it',
  largest: LARGEST_FILE,
};

const EPOCH: SealedKind = {
  format: 'rethink-gen examples 1',
  is: 'a file of examples of rethink-gen',
  // Predictions take as many bytes as the classes need.
  dtypes: ['F32', 'I32', 'U16', 'U8'],
  names: /^(loss|margin|prediction)$/,
  namesAre: 'a column of it',
  largest: LARGEST_FILE,
};

const folderOf = (directory: string) => join(directory, 'examples');
const labelsPath = (directory: string) => join(folderOf(directory), 'labels.safetensors');

const EPOCH_FILE = /^epoch-(\d{4,})\.safetensors$/;

/** Where the examples of an epoch are written. */
export function exampleEpochPath(directory: string, epoch: number): string {
  return join(folderOf(directory), `epoch-${String(epoch).padStart(4, '0')}.safetensors`);
}

/** Whether a run has recorded its examples, all of them or a part. */
export function hasExamples(directory: string): boolean {
  return isThere(labelsPath(directory));
}

/** Writes what is known of the examples before the first step. @throws RethinkError (`failed`) where the disk refuses. */
export function writeExampleLabels(
  directory: string,
  { classes, source, ...columns }: ExampleLabels,
  confirm?: Confirm,
): void {
  ensureFolder(folderOf(directory), 'run');
  const metadata = { classes: toJson(classes), source: String(source) };
  writeSealed(labelsPath(directory), LABELS, metadata, tensorsOf(columns), confirm);
}

/**
 * Writes the examples of an epoch.
 *
 * @throws TypeError where margins are missing: a bug. RethinkError (`failed`) where the disk refuses.
 */
export function writeExampleEpoch(
  directory: string,
  {
    epoch,
    loss,
    margin,
    prediction,
  }: Pick<Evaluation, 'loss' | 'margin' | 'prediction'> & { epoch: number },
  confirm?: Confirm,
): void {
  if (margin === undefined) throw new TypeError('the program gives no margins');
  const columns = tensorsOf({ loss, margin, prediction: narrowed(prediction) });
  writeSealed(
    exampleEpochPath(directory, epoch),
    EPOCH,
    { epoch: String(epoch) },
    columns,
    confirm,
  );
}

/**
 * What is known of a run's examples.
 *
 * @throws RethinkError (`data`) where the run has recorded none, or the file is damaged.
 */
export function readExampleLabels(directory: string): ExampleLabels {
  const path = labelsPath(directory);
  refuseLink(folderOf(directory));
  if (!isThere(path)) {
    throw new RethinkError('data', `${directory} has no examples: it was run without them.`, {
      hint: 'Give record.examples=true to a run, or to a resume of one.',
    });
  }
  const { metadata, tensors } = readSealed(path, LABELS, ({ tensors }) =>
    checkColumns(path, tensors, {
      index: 'U32',
      true_label: 'I32',
      given_label: 'I32',
      drawn: 'U8',
      changed: 'U8',
    }),
  );
  const classes = parseJson(
    metadata.get('classes') ?? '',
    z.array(z.string()),
    `${path} (classes)`,
  );
  const columns = Object.fromEntries(
    Object.entries(tensors).map(([name, { data }]) => [name, data]),
  );
  const source = parseJson(metadata.get('source') ?? '', z.int().min(0), `${path} (source)`);
  const labels = { ...columns, classes, source } as unknown as ExampleLabels;
  checkLabels(path, labels);
  return labels;
}

/**
 * Epochs whose examples a run has recorded, ascending.
 *
 * @throws RethinkError (`failed`) where the folder can't be read.
 */
export function exampleEpochs(directory: string): number[] {
  const folder = folderOf(directory);
  if (!isThere(folder)) return [];
  refuseLink(folder);
  let names: string[];
  try {
    names = readdirSync(folder);
  } catch (error) {
    throw diskError(error, 'read', folder);
  }
  return names
    .flatMap((name) => EPOCH_FILE.exec(name)?.[1] ?? [])
    .map(Number)
    .sort((a, b) => a - b);
}

/**
 * The examples of one epoch.
 *
 * @param count Examples of the run.
 * @throws RethinkError (`data`) where the file is missing, damaged, or of another count or epoch.
 */
export function readExampleEpoch(directory: string, epoch: number, count: number): ExampleEpoch {
  const path = exampleEpochPath(directory, epoch);
  const { metadata, tensors } = readSealed(path, EPOCH, ({ tensors }) => {
    checkColumns(path, tensors, { loss: 'F32', margin: 'F32', prediction: undefined });
    const other = tensors.find(({ shape }) => shape[0] !== count);
    if (other === undefined) return;
    const has = grouped(other.shape[0]);
    throw damaged(path, `it has ${has} examples, and the run has ${grouped(count)}`);
  });
  if (metadata.get('epoch') !== String(epoch)) throw damaged(path, 'it is of another epoch');
  const { loss, margin, prediction } = tensors;
  return {
    epoch,
    loss: loss!.data as Float32Array,
    margin: margin!.data as Float32Array,
    prediction: prediction!.data,
  };
}

/**
 * The recorded epochs, one at a time.
 *
 * @param tell Hears of each file that can't be read, which is left out; without it, the first one throws.
 */
export function* eachExampleEpoch(
  directory: string,
  count: number,
  tell?: (sentence: string) => void,
): Generator<ExampleEpoch> {
  for (const epoch of exampleEpochs(directory)) {
    try {
      yield readExampleEpoch(directory, epoch, count);
    } catch (error) {
      if (tell === undefined || !(error instanceof RethinkError)) throw error;
      tell(`${error.message} It is left out of the scores of examples.`);
    }
  }
}

/** Removes the examples of epochs that a resumed run will write again. @throws RethinkError where the disk refuses. */
export function cutExamples(directory: string, epoch: number, confirm?: Confirm): void {
  const later = exampleEpochs(directory).filter((each) => each > epoch);
  if (later.length === 0) return;
  confirm?.();
  for (const each of later) {
    const path = exampleEpochPath(directory, each);
    try {
      rmSync(path);
    } catch (error) {
      throw diskError(error, 'cut', path);
    }
  }
}
