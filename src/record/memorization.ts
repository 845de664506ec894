import { createHash } from 'node:crypto';
import { join } from 'node:path';
import { z } from 'zod';
import type { CorruptedSplit } from '../corrupt/index.js';
import type { Images } from '../data/types.js';
import type { Confirm } from '../disk/files.js';
import { parseJson, toJson } from '../disk/json.js';
import { isThere } from '../disk/reading.js';
import { RethinkError } from '../errors.js';
import type { ExampleLabels } from '../results/examples.js';
import type { InfluencePairs, MemorizationScores } from '../results/memorization.js';
import { grouped } from '../text.js';
import { checkColumns, checkLabels, narrowed, tensorsOf } from './columns.js';
import { damaged } from './safetensors.js';
import { type Numbers, readSealed, type SealedKind, writeSealed } from './sealed.js';

/**
 * `member.safetensors` of each network of `experiment: memorization`, and `scores.safetensors` of the experiment.
 */

const LARGEST_FILE = 4 * 2 ** 30;

const MEMBER: SealedKind = {
  format: 'rethink-gen member 1',
  is: 'a file of a member of rethink-gen',
  dtypes: ['I32', 'U16', 'U8'],
  names: /^(included|train_prediction|test_prediction)$/,
  namesAre: 'a column of it',
  largest: LARGEST_FILE,
};

const SCORES: SealedKind = {
  format: 'rethink-gen memorization 1',
  is: 'a file of memorization scores of rethink-gen',
  dtypes: ['F32', 'I32', 'U32', 'U8'],
  names: /^[a-z_]+$/,
  namesAre: 'a column of it',
  largest: LARGEST_FILE,
};

/** What a member predicts at its end, in the order of the whole training set and of the test set. */
export interface MemberPredictions {
  member: number;
  /** Of the labels that it was held against: see `labelsDigest`. */
  labels: string;
  included: Uint8Array;
  train: ArrayLike<number>;
  test: ArrayLike<number>;
}

const memberPath = (directory: string) => join(directory, 'member.safetensors');
const scoresPath = (directory: string) => join(directory, 'scores.safetensors');

type LabeledSplit = Pick<CorruptedSplit<Images>, 'indices' | 'labels'>;

/** SHA-256 (hex) of which examples there are, and of the labels that predictions of them are held against. */
export function labelsDigest(train: LabeledSplit, test: LabeledSplit): string {
  const hash = createHash('sha256');
  for (const { indices, labels } of [train, test]) hash.update(indices).update(labels);
  return hash.digest('hex');
}

/** @throws RethinkError (`failed`) where the disk refuses. */
export function writeMember(
  directory: string,
  { member, labels, included, train, test }: MemberPredictions,
  confirm?: Confirm,
): void {
  const columns = {
    included,
    train_prediction: narrowed(train),
    test_prediction: narrowed(test),
  };
  const metadata = { member: String(member), labels };
  writeSealed(memberPath(directory), MEMBER, metadata, tensorsOf(columns), confirm);
}

/**
 * Reads what a member predicts.
 *
 * @param expected Which member, and what data.
 * @throws RethinkError (`data`) where it is missing, damaged, or of another member or other data.
 */
export function readMember(
  directory: string,
  expected: { member: number; labels: string; count: number; testCount: number },
): MemberPredictions {
  const path = memberPath(directory);
  if (!isThere(path)) throw new RethinkError('data', `${directory} has no member.safetensors.`);
  const { metadata, tensors } = readSealed(path, MEMBER, ({ tensors }) => {
    const names = ['included', 'train_prediction', 'test_prediction'];
    const lengths = [expected.count, expected.count, expected.testCount];
    if (tensors.map(({ name }) => name).join() !== names.join()) {
      throw damaged(path, `its columns are not ${names.join(', ')}`);
    }
    for (const [i, { name, shape }] of tensors.entries()) {
      if (shape.length === 1 && shape[0] === lengths[i]) continue;
      throw damaged(path, `its ${name} has not ${grouped(lengths[i]!)} examples`);
    }
  });
  if (metadata.get('member') !== String(expected.member)) {
    throw damaged(path, `it is not of member ${expected.member}`);
  }
  if (metadata.get('labels') !== expected.labels) {
    throw new RethinkError('data', `${path} is of other examples or labels than there are now.`);
  }
  const { included, train_prediction, test_prediction } = tensors;
  return {
    member: expected.member,
    labels: expected.labels,
    included: included!.data as Uint8Array,
    train: train_prediction!.data,
    test: test_prediction!.data,
  };
}

/** Scores of the training examples with what is known of them, and the pairs of greatest influence. */
export interface StoredMemorization {
  labels: ExampleLabels;
  scores: MemorizationScores;
  /** Predicted by most members that were not trained on the example; −1: all were. */
  prediction: Int32Array;
  pairs: InfluencePairs;
  /** Source indices and labels of the test examples that pairs name, by position in the test set. */
  test: { index: Uint32Array; label: Int32Array };
}

const LABELS = {
  index: 'U32',
  true_label: 'I32',
  given_label: 'I32',
  drawn: 'U8',
  changed: 'U8',
};
const EXAMPLES = {
  ...LABELS,
  members_in: 'U32',
  members_out: 'U32',
  accuracy_in: 'F32',
  accuracy_out: 'F32',
  memorization: 'F32',
  standard_error: 'F32',
  prediction: 'I32',
};
const PAIRS = {
  pair_train: 'U32',
  pair_test: 'U32',
  pair_influence: 'F32',
  pair_standard_error: 'F32',
};
const TEST = { test_index: 'U32', test_label: 'I32' };

/** Whether a run has memorization scores. */
export function hasMemorization(directory: string): boolean {
  return isThere(scoresPath(directory));
}

/** @throws RethinkError (`failed`) where the disk refuses. */
export function writeMemorization(
  directory: string,
  { labels, scores, prediction, pairs, test }: StoredMemorization,
  confirm?: Confirm,
): void {
  const { classes, source, ...known } = labels;
  const columns: Record<string, Numbers> = {
    ...known,
    ...scores,
    prediction,
    pair_train: pairs.train,
    pair_test: pairs.test,
    pair_influence: pairs.influence,
    pair_standard_error: pairs.standard_error,
    test_index: test.index,
    test_label: test.label,
  };
  const order = Object.keys({ ...EXAMPLES, ...PAIRS, ...TEST });
  const metadata = {
    classes: toJson(classes),
    source: String(source),
    pairs: String(pairs.found),
  };
  const ordered = Object.fromEntries(order.map((name) => [name, columns[name]!]));
  writeSealed(scoresPath(directory), SCORES, metadata, tensorsOf(ordered), confirm);
}

/**
 * The scores of an experiment.
 *
 * @throws RethinkError (`data`) where a run has none, or the file is damaged.
 */
export function readMemorization(directory: string): StoredMemorization {
  const path = scoresPath(directory);
  if (!isThere(path)) {
    throw new RethinkError('data', `${directory} has no memorization scores.`, {
      hint: 'They come of experiment: memorization, when all its networks are trained.',
    });
  }
  const { metadata, tensors } = readSealed(path, SCORES, ({ tensors }) => {
    const parts = [EXAMPLES, PAIRS, TEST];
    let from = 0;
    for (const part of parts) {
      const end = from + Object.keys(part).length;
      checkColumns(path, tensors.slice(from, end), part);
      from = end;
    }
    if (tensors.length !== from) throw damaged(path, 'it has columns that do not belong to it');
  });
  const of = <T extends Numbers>(name: string) => tensors[name]!.data as T;
  const column = (names: object) =>
    Object.fromEntries(Object.keys(names).map((name) => [name, of(name)]));
  const labels = {
    ...column(LABELS),
    classes: parseJson(metadata.get('classes') ?? '', z.array(z.string()), `${path} (classes)`),
    source: parseJson(metadata.get('source') ?? '', z.int().min(0), `${path} (source)`),
  } as unknown as ExampleLabels;
  checkLabels(path, labels);
  const { index: _i, true_label: _t, given_label: _g, drawn: _d, changed: _c, ...rest } = EXAMPLES;
  const { prediction: _p, ...scored } = rest;
  const [trainCount, testCount] = [labels.index.length, of('test_index').length];
  const beyond = (name: string, count: number) => of(name).some((at) => at >= count);
  if (beyond('pair_train', trainCount) || beyond('pair_test', testCount)) {
    throw damaged(path, 'it has pairs of examples that it does not have');
  }
  const prediction = of<Int32Array>('prediction');
  if (prediction.some((label) => label !== -1 && !(label in labels.classes))) {
    throw damaged(path, 'it has predictions that are no classes');
  }
  return {
    labels,
    scores: column(scored) as unknown as MemorizationScores,
    prediction,
    pairs: {
      train: of('pair_train'),
      test: of('pair_test'),
      influence: of('pair_influence'),
      standard_error: of('pair_standard_error'),
      found: parseJson(metadata.get('pairs') ?? '', z.int().min(0), `${path} (pairs)`),
    },
    test: { index: of('test_index'), label: of('test_label') },
  };
}
