import { existsSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { isPrefix, type Override, parseOverride } from '../config/overrides.js';
import { locatedConfig, startedHere } from '../config/places.js';
import { parsePath } from '../config/problems.js';
import type { Config } from '../config/resolve.js';
import { type CorruptedSplit, corruptedExamples } from '../corrupt/index.js';
import type { Images, SplitName } from '../data/types.js';
import { refuseLink } from '../disk/own-file.js';
import type { EngineInfo, Session } from '../engines/types.js';
import { RethinkError } from '../errors.js';
import { type CheckpointKind, checkpointPath, loadCheckpoint } from '../record/checkpoint.js';
import { type ExampleRow, requireFree, writeExamples, writeWeights } from '../record/export.js';
import { readOrigin } from '../record/run-directory.js';
import { readConfig } from '../record/runs.js';
import type { Measures } from '../results/measures.js';
import { withEngine } from '../setup/engine.js';
import type { RunOptions } from '../setup/options.js';
import { type Prepared, prepare, splitChunks } from '../setup/training.js';
import { accuracy, mean, topAccuracy } from '../train/evaluate.js';
import { measureRun } from './measures.js';
import { checkProgress } from './position.js';
import { scheduleOf } from './starting-point.js';

export interface EvaluateOptions extends RunOptions {
  /** `key.path=value` of `data`, `corruption`, `seed(s)` and `engine`: other data for the same network. */
  overrides?: readonly (string | Override)[];
  /** Weights of the last epoch (default) or of the best one by test accuracy. */
  checkpoint?: CheckpointKind | undefined;
  /** CSV file to write: labels, predictions and losses, example by example. */
  examples?: string | undefined;
  /** Whether the network is measured, too: see `docs/measures.md`. Only on the data that it was trained on. */
  measures?: boolean | undefined;
  /** safetensors file to write: parameters and BatchNorm statistics. */
  weights?: string | undefined;
}

export interface SplitEvaluation {
  count: number;
  /** Mean cross-entropy with the labels of the split, in nats. */
  loss: number;
  /** Against the labels of the split: as trained on for train, true ones for test. */
  accuracy: number;
  true_label_accuracy: number;
  /** Against equally corrupted labels. */
  corrupted_label_accuracy: number;
  /** Of the examples with another label than the true one or with changed pixels, as `accuracy`; `null`: there are none. */
  corrupted_accuracy: number | null;
  /** Of all others. */
  clean_accuracy: number | null;
  /** Labels of the split among the five greatest logits; where a run records top-5 accuracy. */
  top5_accuracy?: number;
}

export interface RunEvaluation {
  run_dir: string;
  checkpoint: CheckpointKind;
  /** Of the weights: epochs and steps completed. */
  epoch: number;
  step: number;
  engine: EngineInfo;
  data: { name: string; origin: string; hash: string };
  corruption: Config['corruption'];
  train: SplitEvaluation;
  test: SplitEvaluation;
  /** Where they were asked for. */
  measures?: Measures;
}

/** Keys that a trained network has no use for or that would make it another network. */
const FIXED_SECTIONS = [
  'model',
  'train',
  'regularization',
  'loss',
  'sweep',
  'launcher',
  'experiment',
  'record',
  'name',
];

/**
 * Evaluates the weights of a run, on its own data and corruption or on others, and exports them.
 *
 * @throws RethinkError: `usage` for an override that would change the network, `data` where run, checkpoint or data
 * are missing or damaged.
 */
export async function evaluateRun(
  runDir: string,
  options: EvaluateOptions = {},
): Promise<RunEvaluation> {
  const directory = resolve(runDir);
  const kind = options.checkpoint ?? 'last';
  const path = checkpointOf(directory, kind);
  for (const target of [options.examples, options.weights]) {
    if (target !== undefined) requireFree(target);
  }
  const config = await configOf(directory, options);
  const origin = readOrigin(directory) ?? startedHere();
  // Losses are of the training alone: nothing that they need has to be there, and what they remember is of its data.
  const { loss: _, ...evaluated } = locatedConfig(config, origin, givenIn(options));
  const prepared = await prepare(evaluated as Config, options);
  const { checkpoint, meta } = loadCheckpoint(path, prepared.program.state);
  // Other data may make epochs of another length.
  if (!options.overrides?.length) {
    checkProgress(checkpoint.progress, scheduleOf(config, prepared), path);
  }
  return withEngine(config, options, async (engine) => {
    const session = await engine.load(prepared.program, checkpoint.state);
    try {
      const train = await evaluateExamples(session, prepared, 'train', options.signal);
      const test = await evaluateExamples(session, prepared, 'test', options.signal);
      const watching = { signal: options.signal, onProgress: options.events?.preparing };
      const measures = options.measures
        ? await measureRun(session, { config, prepared }, undefined, watching)
        : undefined;
      if (options.examples !== undefined)
        writeExamples(options.examples, [...train.rows, ...test.rows]);
      if (options.weights !== undefined) {
        const { epoch, step } = checkpoint.progress;
        writeWeights(options.weights, checkpoint.state, {
          model: config.model.name,
          epoch: String(epoch),
          step: String(step),
          config_hash: meta.configHash,
        });
      }
      return {
        run_dir: directory,
        checkpoint: kind,
        epoch: checkpoint.progress.epoch,
        step: checkpoint.progress.step,
        engine: engine.info,
        data: { name: prepared.info.name, origin: prepared.info.origin, hash: prepared.dataHash },
        corruption: config.corruption,
        train: train.evaluation,
        test: test.evaluation,
        ...(measures && { measures }),
      };
    } finally {
      session.dispose();
    }
  });
}

/** Whether a key of the config is set by an override: a path there is meant from this process's folder. */
function givenIn({ overrides = [] }: EvaluateOptions): (key: string) => boolean {
  const paths = overrides.map((override) =>
    typeof override === 'string' ? parseOverride(override).path : override.path,
  );
  return (key) => paths.some((path) => isPrefix(path, parsePath(key)));
}

function checkpointOf(directory: string, kind: CheckpointKind): string {
  const folder = join(directory, 'checkpoints');
  refuseLink(folder);
  const path = checkpointPath(folder, kind);
  if (!existsSync(path)) {
    throw new RethinkError('data', `${directory} has no ${kind} checkpoint.`, {
      hint: 'Give a run directory, such as results/<name>/20261124T101530Z-1a2b3c4d, of a run that has trained.',
    });
  }
  return path;
}

async function configOf(
  directory: string,
  { overrides = [], measures }: EvaluateOptions,
): Promise<Config> {
  for (const override of overrides) {
    const key = typeof override === 'string' ? override.split('=')[0]! : override.path.join('.');
    if (measures && !key.startsWith('engine.')) {
      throw new RethinkError(
        'usage',
        `${key} is given, and measures are of the data that the network was trained on.`,
        { hint: 'Leave it or measures out: only keys of engine go together with these.' },
      );
    }
    if (FIXED_SECTIONS.includes(key.split('.')[0]!)) {
      throw new RethinkError(
        'usage',
        `${key} belongs to the trained network and can't be changed.`,
        {
          hint: 'evaluate takes keys of data, corruption, seed, seeds and engine.',
        },
      );
    }
  }
  const config = await readConfig(directory, { overrides });
  return measures ? { ...config, record: { ...config.record, measures } } : config;
}

/** A split example by example, and in sum. */
async function evaluateExamples(
  session: Session,
  prepared: Prepared,
  name: SplitName,
  signal: AbortSignal | undefined,
): Promise<{ evaluation: SplitEvaluation; rows: ExampleRow[] }> {
  const split = prepared.data[name];
  const rows: ExampleRow[] = [];
  const rank = new Int32Array(split.count);
  for await (const chunk of splitChunks(prepared, name, true)) {
    signal?.throwIfAborted();
    const metrics = await session.evalChunk(chunk);
    const classes = prepared.model.classes;
    rank.set(metrics.rank.subarray(0, chunk.count), rows.length);
    for (let i = 0; i < chunk.count; i++) {
      const at = rows.length;
      const label = split.labels[at]!;
      rows.push({
        split: name,
        index: split.indices[at]!,
        true_label: split.trueLabels[at]!,
        label,
        image_changed: split.pixelsCorrupted[at]!,
        prediction: metrics.prediction[i]!,
        loss: metrics.loss[i]!,
        probability: metrics.probabilities![i * classes + label]!,
      });
    }
  }
  const top5 = prepared.measured.top5 ? { top5_accuracy: topAccuracy(rank, 5) } : {};
  return { evaluation: { ...summarize(rows, split), ...top5 }, rows };
}

function summarize(rows: ExampleRow[], split: CorruptedSplit<Images>): SplitEvaluation {
  const prediction = Int32Array.from(rows, (row) => row.prediction);
  const rate = (labels: Int32Array) => accuracy(prediction, labels) ?? Number.NaN;
  const mask = corruptedExamples(split);
  const part = (marked: 0 | 1) => accuracy(prediction, split.labels, { mask, marked });
  return {
    count: split.count,
    loss: mean(Float32Array.from(rows, (row) => row.loss)),
    accuracy: rate(split.labels),
    true_label_accuracy: rate(split.trueLabels),
    corrupted_label_accuracy: rate(split.corruptedLabels),
    corrupted_accuracy: part(1),
    clean_accuracy: part(0),
  };
}
