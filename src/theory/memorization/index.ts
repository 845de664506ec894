import { join } from 'node:path';
import { configHash } from '../../config/hash.js';
import { membersOf } from '../../config/members.js';
import type { MemorizationConfig } from '../../config/memorization.js';
import type { Config } from '../../config/resolve.js';
import type { Images } from '../../data/types.js';
import { RethinkError, reportOf } from '../../errors.js';
import { labelColumns, numbers, writeParquet } from '../../record/example-table.js';
import { eachExampleEpoch, hasExamples, readExampleLabels } from '../../record/examples.js';
import {
  labelsDigest,
  type MemberPredictions,
  readMember,
  type StoredMemorization,
  writeMemorization,
} from '../../record/memorization.js';
import { type FoundRun, findRuns } from '../../record/runs.js';
import {
  detection,
  type ExampleLabels,
  SCORE_NAMES,
  SCORES,
  scoreExamples,
} from '../../results/examples.js';
import type { MemorizationFindings } from '../../results/findings.js';
import {
  influencePairs,
  type MemorizationScores,
  memorizationScores,
  packAnswers,
  pearson,
  spearman,
  votesOf,
  withStrangersParts,
} from '../../results/memorization.js';
import type { PreparedData } from '../../setup/data.js';
import { exampleLabels } from '../../setup/example-labels.js';
import { counted, grouped } from '../../text.js';
import { breathe, type TheoryContext } from '../context.js';

/** What the members of an experiment have come to. */
interface Members {
  predictions: MemberPredictions[];
  /** Members whose training was not finite: they predict nothing. */
  diverged: number;
  /** The run on the whole training set. */
  whole: FoundRun;
}

/**
 * Scores the training examples by what all members predict (Feldman & Zhang 2020). Members are runs of their own, beside this
 * one: they are trained before. Writes `scores.safetensors`, and for people `scores.parquet` and `influence.parquet`.
 *
 * @throws RethinkError (`data`) where members are missing, or a file of theirs is damaged.
 */
export async function runMemorization(
  context: TheoryContext<Images>,
): Promise<MemorizationFindings> {
  const { config, prepared, runDir, confirm, options } = context;
  const note = (sentence: string) => options.events?.note?.(sentence);
  const asked = config.memorization as Required<MemorizationConfig>;
  const members = readMembers(config, join(runDir, '..'), prepared);
  const { train, test } = prepared.data;
  const packed = packAnswers(
    { members: members.predictions.length, count: train.count, testCount: test.count },
    answersOf(members.predictions, train.labels, test.labels),
  );
  const scores = memorizationScores(packed);
  const memorized = [...scores.memorization.keys()].filter(
    (i) => scores.memorization[i]! >= asked.memorized,
  );
  const turn = (what: string) => (done: number) =>
    breathe(context, what, done, memorized.length, 'images');
  const pairs = await influencePairs(packed, memorized, asked.influence, {
    turn: turn('looking for influence'),
  });
  const byChance = await influencePairs(withStrangersParts(packed), memorized, asked.influence, {
    most: 0,
    turn: turn('looking for influence by chance'),
  });
  const labels = exampleLabels(prepared);
  const found: StoredMemorization = {
    labels,
    scores,
    prediction: votesOf(
      { count: train.count, classes: labels.classes.length },
      members.predictions.map(({ included, train: prediction }) => ({ included, prediction })),
    ),
    pairs,
    test: { index: test.indices, label: test.labels },
  };
  writeMemorization(runDir, found, confirm);
  await writeTables(runDir, found, confirm);
  tellMissing(scores, note);
  if (members.diverged > 0) {
    note(`${counted(members.diverged, 'member')} diverged, and none of the scores counts them.`);
  }
  return {
    experiment: 'memorization',
    n: train.count,
    n_test: test.count,
    members: members.predictions.length,
    members_diverged: members.diverged,
    fraction: asked.fraction,
    ...accuracies(members.predictions, train.labels, test.labels),
    ...distribution(scores, labels.changed, asked.memorized),
    influence_threshold: asked.influence,
    influence_pairs: pairs.found,
    influence_pairs_by_chance: byChance.found,
    correlations: correlations(members.whole, labels, scores, note),
  };
}

function readMembers(config: Config, folder: string, { data }: PreparedData<Images>): Members {
  const finished = new Map<string, FoundRun>();
  // Of several runs of one config the newest counts: they are in order of time.
  for (const run of findRuns([folder])) {
    const { result } = run;
    if (result?.config_hash === undefined || result.outcome === 'interrupted') continue;
    finished.set(result.config_hash, run);
  }
  const all = membersOf(config).map(({ member, config }) => ({
    member,
    run: finished.get(configHash(config)),
  }));
  const missing = all.filter(({ run }) => run === undefined);
  if (missing.length > 0) throw untrained(missing.length, all.length);
  const [whole, ...parts] = all;
  const expected = {
    labels: labelsDigest(data.train, data.test),
    count: data.train.count,
    testCount: data.test.count,
  };
  const damaged: string[] = [];
  const predictions = parts.flatMap(({ member, run }) => {
    if (run!.result!.outcome === 'diverged') return [];
    try {
      return [readMember(run!.path, { member, ...expected })];
    } catch (error) {
      damaged.push(reportOf(error).message);
      return [];
    }
  });
  if (damaged.length > 0) throw unreadable(damaged);
  if (predictions.length < 2) {
    throw new RethinkError(
      'failed',
      'Fewer than two members have come to an end without diverging.',
      {
        hint: 'A smaller train.learningRate often helps.',
      },
    );
  }
  return { predictions, diverged: parts.length - predictions.length, whole: whole!.run! };
}

function untrained(missing: number, all: number): RethinkError {
  return new RethinkError(
    'data',
    `${grouped(missing)} of ${grouped(all)} networks of this experiment are not trained yet.`,
    {
      hint: 'rethink-gen run CONFIG trains what is missing; in a program: runSweep(sweepOf(await loadExperiment(CONFIG))).',
    },
  );
}

const TOLD = 5;

function unreadable(damaged: readonly string[]): RethinkError {
  const more = damaged.length > TOLD ? [`… and ${damaged.length - TOLD} more`] : [];
  return new RethinkError(
    'data',
    [
      `${counted(damaged.length, 'member')} can't be counted:`,
      ...damaged.slice(0, TOLD).map((sentence) => `  ${sentence}`),
      ...more,
    ],
    { hint: 'Remove their run directories (rethink-gen runs rm), and run the experiment again.' },
  );
}

const equal = (predicted: ArrayLike<number>, labels: Int32Array) =>
  Uint8Array.from(labels, (label, i) => (predicted[i] === label ? 1 : 0));

function* answersOf(
  predictions: readonly MemberPredictions[],
  trainLabels: Int32Array,
  testLabels: Int32Array,
) {
  for (const { included, train, test } of predictions) {
    yield { included, right: equal(train, trainLabels), testRight: equal(test, testLabels) };
  }
}

/** Means over members: on what they were trained on, on what they were not, and on the test set. */
function accuracies(
  predictions: readonly MemberPredictions[],
  trainLabels: Int32Array,
  testLabels: Int32Array,
) {
  const sums = { in: 0, out: 0, test: 0 };
  for (const { included, right, testRight } of answersOf(predictions, trainLabels, testLabels)) {
    const share = (flag: 0 | 1) => mean(right.filter((_, i) => included[i] === flag));
    sums.in += share(1);
    sums.out += share(0);
    sums.test += mean(testRight);
  }
  const n = predictions.length;
  return {
    train_accuracy: sums.in / n,
    held_out_accuracy: sums.out / n,
    test_accuracy: sums.test / n,
  };
}

/** How scores are spread, and how well they find the changed labels; only examples that have one count. */
function distribution(scores: MemorizationScores, changed: Uint8Array, threshold: number) {
  const known = scores.memorization.map((score) => (Number.isNaN(score) ? 0 : 1));
  const having = <A extends Float32Array | Uint8Array>(values: A) =>
    values.filter((_, i) => known[i] === 1) as A;
  const own = having(scores.memorization);
  const flags = having(changed);
  const of = (flag: 0 | 1) => own.filter((_, i) => flags[i] === flag);
  const above = (values: Float32Array) => mean(values.map((v) => (v >= threshold ? 1 : 0)));
  const orNull = (value: number) => (Number.isNaN(value) ? null : value);
  const found = detection(own, flags);
  return {
    without_score: scores.memorization.length - own.length,
    memorization_mean: orNull(mean(own)),
    memorization_mean_changed: orNull(mean(of(1))),
    memorization_mean_unchanged: orNull(mean(of(0))),
    memorized_threshold: threshold,
    memorized: orNull(above(own)),
    memorized_changed: orNull(above(of(1))),
    memorized_unchanged: orNull(above(of(0))),
    standard_error_mean: orNull(mean(having(scores.standard_error))),
    changed_auroc: found?.auroc ?? null,
    changed_precision: found?.precision ?? null,
  };
}

/** NaN of none. */
function mean(values: ArrayLike<number>): number {
  let sum = 0;
  for (let i = 0; i < values.length; i++) sum += values[i]!;
  return sum / values.length;
}

/** How the scores of the run on the whole set go with memorization; `null` where it has recorded none that can be used. */
function correlations(
  { path }: FoundRun,
  labels: ExampleLabels,
  { memorization }: MemorizationScores,
  note: (sentence: string) => void,
): MemorizationFindings['correlations'] {
  const without = (why: string) => {
    note(`Memorization is compared with no other score: ${why}`);
    return null;
  };
  if (!hasExamples(path)) return without(`${path} was run without record.examples.`);
  try {
    const recorded = readExampleLabels(path);
    const same = (key: 'index' | 'given_label') =>
      recorded[key].length === labels[key].length &&
      recorded[key].every((value, i) => value === labels[key][i]);
    if (!same('index') || !same('given_label')) return without(`${path} is of other examples.`);
    const scores = scoreExamples(recorded, eachExampleEpoch(path, recorded.index.length));
    if (scores.epochs.length === 0) return without(`${path} has evaluated no epoch.`);
    const known = [...memorization.keys()].filter((i) => !Number.isNaN(memorization[i]!));
    const scored = known.map((i) => memorization[i]!);
    return SCORE_NAMES.map((score) => {
      const suspicion = SCORES[score].suspicion(scores);
      const own = known.map((i) => suspicion[i]!);
      return { score, spearman: spearman(own, scored), pearson: pearson(own, scored) };
    });
  } catch (error) {
    if (!(error instanceof RethinkError)) throw error;
    return without(error.message);
  }
}

function tellMissing(scores: MemorizationScores, note: (sentence: string) => void): void {
  const missing = (of: Uint32Array) => of.filter((members) => members === 0).length;
  const [never, always] = [missing(scores.members_in), missing(scores.members_out)];
  if (never + always === 0) return;
  note(
    `${grouped(never + always)} of ${grouped(scores.memorization.length)} training examples have no score: ${grouped(never)} were in no member's part, ${grouped(always)} in that of all. More memorization.members leave fewer.`,
  );
}

async function writeTables(
  runDir: string,
  { labels, scores, prediction, pairs, test }: StoredMemorization,
  confirm: TheoryContext['confirm'],
): Promise<void> {
  const columns = [
    ...labelColumns(labels),
    numbers('members_in', 'INT32', scores.members_in),
    numbers('members_out', 'INT32', scores.members_out),
    numbers('accuracy_in', 'DOUBLE', scores.accuracy_in),
    numbers('accuracy_out', 'DOUBLE', scores.accuracy_out),
    numbers('memorization', 'DOUBLE', scores.memorization),
    numbers('standard_error', 'DOUBLE', scores.standard_error),
    numbers('prediction_out', 'INT32', prediction),
  ];
  const { classes } = labels;
  await writeParquet(join(runDir, 'scores.parquet'), columns, { classes }, confirm);
  const train = (column: ArrayLike<number>) => Array.from(pairs.train, (at) => column[at]!);
  const tested = (column: ArrayLike<number>) => Array.from(pairs.test, (at) => column[at]!);
  const of = [
    numbers('train_index', 'INT64', []),
    numbers('train_true_label', 'INT32', train(labels.true_label)),
    numbers('train_given_label', 'INT32', train(labels.given_label)),
    numbers('test_index', 'INT64', []),
    numbers('test_label', 'INT32', tested(test.label)),
    numbers('influence', 'DOUBLE', pairs.influence),
    numbers('standard_error', 'DOUBLE', pairs.standard_error),
    numbers('train_memorization', 'DOUBLE', train(scores.memorization)),
  ];
  of[0]!.data = train(labels.index).map(BigInt);
  of[3]!.data = tested(test.index).map(BigInt);
  await writeParquet(
    join(runDir, 'influence.parquet'),
    of,
    { classes, pairs: pairs.found },
    confirm,
  );
}
