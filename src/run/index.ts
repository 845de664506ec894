import { prefetch } from '../batches/prefetch.js';
import { configHash } from '../config/hash.js';
import { correctionOf } from '../config/loss.js';
import { locatedConfig, moved, type Origin, startedHere } from '../config/places.js';
import { portableConfig } from '../config/portable.js';
import type { Config, ConfigOf } from '../config/resolve.js';
import { requireResolved } from '../config/resolved.js';
import type { ExperimentName } from '../config/theory.js';
import { requireEqualShares } from '../engines/devices.js';
import type { Engine, Session } from '../engines/types.js';
import { isInterruption, messageOf, readOr } from '../errors.js';
import { describeEnvironment } from '../machine/environment.js';
import { parameterCount } from '../models/index.js';
import { readMetrics } from '../record/rows.js';
import { RunDirectory } from '../record/run-directory.js';
import { readConfig, readResult, readTheoryResult, resultPath } from '../record/runs.js';
import { Background } from '../record/sinks/background.js';
import type { Measures } from '../results/measures.js';
import { isTheoryResult } from '../results/theory.js';
import type { Progress } from '../results/training.js';
import { requireWritable, withEngine } from '../setup/engine.js';
import type { FinishedRun, NewRunOptions, RunOptions } from '../setup/options.js';
import { type Prepared, prepare, prepareTraining } from '../setup/training.js';
import { grouped } from '../text.js';
import { resumeTheory, runTheory } from '../theory/run.js';
import { type LoopResult, trainLoop } from '../train/loop.js';
import type { Recorder } from '../train/types.js';
import {
  beginExamples,
  concludeExamples,
  hasEnded,
  writeMemberPredictions,
  writePredictions,
} from './conclude.js';
import { engineChange } from './engine-changes.js';
import { estimateTransition } from './estimate-transition.js';
import { measureRun } from './measures.js';
import { checkResult } from './position.js';
import { resultOf } from './result.js';
import {
  beginning,
  checkpointMeta,
  checkSameConfig,
  isFinished,
  type Start,
  startingPoint,
} from './starting-point.js';

/**
 * Runs one experiment into a new run directory; what comes of it is known by the config's `experiment`. Nothing is written before the data, the engine and the output folder
 * are known to be usable.
 *
 * @param config Resolved: see `loadExperiment`.
 * @throws RethinkError: `usage` for anything else than a resolved config, `data` where the data is missing or damaged,
 *   `failed` where the disk or the engine refuse.
 */
export async function runExperiment<E extends ExperimentName>(
  config: ConfigOf<E>,
  options?: NewRunOptions,
): Promise<FinishedRun<E>>;
export async function runExperiment(
  config: Config,
  options: NewRunOptions = {},
): Promise<FinishedRun> {
  await requireResolved(config, 'runExperiment');
  const root = options.out ?? 'results';
  requireWritable(root);
  if (config.experiment !== 'train') return runTheory(config, root, options);
  const origin = options.origin ?? startedHere();
  const prepared = await prepare(locatedConfig(config, origin), options);
  return withEngine(config, options, async (engine) => {
    requireEqualShares(engine.info, prepared.program);
    const directory = RunDirectory.create(root, config.name, configHash(config), {
      config: portableConfig(config),
      origin,
      source: options.source && { ...options.source, extension: `.${options.source.extension}` },
      claim: options.claim,
    });
    return train({ config, prepared, engine, directory, options }, beginning(config, prepared));
  });
}

/**
 * Goes on with a run that was interrupted or killed, exactly where its last checkpoint was taken; without one it starts
 * over. A finished run is given back as it is.
 *
 * @throws RethinkError: `busy` where another process has the run, `lost` where another one took it over, `data` where the
 * directory, the checkpoint or the data are not those of the run.
 */
export async function resumeRun(runDir: string, options: RunOptions = {}): Promise<FinishedRun> {
  const note = (message: string) => options.events?.note?.(message);
  const { wait, signal } = options;
  const directory = await RunDirectory.open(runDir, { wait, signal, onWait: note });
  try {
    const stored = await readConfig(directory.path);
    const config = { ...stored, engine: { ...stored.engine, ...options.runsOn } };
    const isTraining = config.experiment === 'train';
    const done = isTraining
      ? readResult(directory.path, note)
      : readTheoryResult(directory.path, note);
    if (done !== null && isFinished(done, config)) {
      if (!isTheoryResult(done)) checkResult(done, config.train.epochs, resultPath(directory.path));
      directory.close(done.outcome === 'diverged' ? 'diverged' : 'finished');
      options.events?.note?.(`${directory.path} is finished: there is nothing to resume.`);
      return { result: done, runDir: directory.path };
    }
    const origin = await originOf(directory, config, options);
    const located = locatedConfig(config, origin);
    if (!isTraining) {
      directory.writeOrigin(origin);
      return await resumeTheory(config, located, directory, options);
    }
    const { streamed } = directory.read('data') ?? {};
    const prepared = await prepare(located, { ...options, streamed });
    const start = startingPoint(config, prepared, directory, note);
    directory.writeOrigin(origin);
    return await withEngine(config, options, (engine) => {
      requireEqualShares(engine.info, prepared.program);
      const then = start.progress.step > 0 ? directory.readEngine() : null;
      const change = then === null ? undefined : engineChange(then, engine.info);
      if (change !== undefined) note(change);
      return train({ config, prepared, engine, directory, options }, start);
    });
  } catch (error) {
    directory.close(isInterruption(error) ? 'interrupted' : 'failed', messageOf(error));
    throw error;
  }
}

/** Where a run's data lies, as its directory and whoever resumes it say: the latter has the last word. */
async function originOf(
  directory: RunDirectory,
  config: Config,
  { origin, moves = [] }: RunOptions,
): Promise<Origin> {
  const stored = directory.readOrigin();
  await checkSameConfig(directory, config, stored?.config);
  const known = stored ?? origin ?? startedHere();
  const all = { folder: known.folder, moved: { ...known.moved, ...origin?.moved } };
  return moved(all, [config], moves);
}

interface Run {
  config: Config;
  prepared: Prepared;
  engine: Engine;
  directory: RunDirectory;
  options: RunOptions;
}

/** Trains from a starting point into the run directory and closes it, whatever happens. */
async function train(run: Run, { state, progress }: Start): Promise<FinishedRun> {
  const { config, prepared, engine, directory, options } = run;
  let sinks: Background | undefined;
  try {
    directory.write('corruption', prepared.corruption);
    if (prepared.record !== undefined) directory.write('data', prepared.record);
    if (config.record.examples) beginExamples(prepared, directory);
    directory.write('environment', { ...(await describeEnvironment()), engine: engine.info });
    const { program } = await withTransition(run);
    const session = await engine.load(program, state);
    const batches = prefetch(prepared.batches);
    try {
      announce(run, progress);
      sinks = openSinks(run);
      const loop = await trainLoop({
        session,
        batches,
        data: prepared.measured,
        train: config.train,
        decayEvery: prepared.decayEvery,
        checkpointEvery: config.record.checkpointEvery,
        checkpointMinutes: config.record.checkpointMinutes,
        checkpointRequests: options.checkpointRequests,
        progress,
        recorder: openRecorder(run, sinks),
        recordSteps: config.record.steps,
        onSteps: (event) => options.events?.steps?.(event),
        signal: options.signal,
      });
      const measures = hasEnded(loop) ? await conclude(run, session, progress, loop) : undefined;
      const finished = await finish(run, progress, loop, measures);
      if (loop.outcome !== 'interrupted') await sinks.finish();
      return finished;
    } finally {
      batches.dispose();
      session.dispose();
    }
  } catch (error) {
    directory.close(isInterruption(error) ? 'interrupted' : 'failed', messageOf(error));
    throw error;
  } finally {
    sinks?.stop();
  }
}

function openSinks({ config, directory, options }: Run): Background {
  const note = (sentence: string) => options.events?.note?.(sentence);
  return new Background(directory.path, config.record.sinks, { note, signal: options.signal });
}

/** The run's program, with the matrix that the loss is corrected with: the same one before and after a resume. */
async function withTransition(run: Run): Promise<Prepared> {
  const { config, prepared, engine, directory, options } = run;
  const correction = correctionOf(config.loss);
  if (correction === undefined) return prepared;
  const known = directory.read('transition') ?? prepared.transition;
  if (known === null) {
    const { warmupEpochs } = correction;
    options.events?.note?.(
      `Estimating how labels change: ${warmupEpochs} epochs of training without correction.`,
    );
  }
  const { signal } = options;
  const matrix = known ?? (await estimateTransition({ config, prepared, engine, signal }));
  directory.write('transition', matrix);
  return prepareTraining(config, prepared, matrix);
}

/** What a run that has come to its end says of its last weights, while an engine has them. */
async function conclude(
  run: Run,
  session: Session,
  progress: Progress,
  { evaluated }: LoopResult,
): Promise<Measures | undefined> {
  const { config, prepared, directory, options } = run;
  const { whole } = prepared;
  const member = config.memorization?.member;
  if (whole === undefined || member === undefined) {
    await writePredictions(prepared, directory, session, progress, evaluated);
  } else {
    await writeMemberPredictions(prepared, whole, { directory, session, member });
  }
  if (!config.record.measures) return undefined;
  const { signal, events } = options;
  return measureRun(session, run, evaluated?.train.margin, {
    signal,
    onProgress: (event) => events?.preparing?.(event),
  });
}

async function finish(
  run: Run,
  progress: Progress,
  loop: LoopResult,
  measures: Measures | undefined,
): Promise<FinishedRun> {
  const { config, directory, options } = run;
  const note = (sentence: string) => options.events?.note?.(sentence);
  const scored = config.record.examples && loop.outcome !== 'interrupted';
  const examples = scored ? await concludeExamples(directory, note) : undefined;
  const rows = readOr(() => readMetrics(directory.path), []);
  const result = resultOf({ ...run, progress, loop, rows, examples, measures });
  directory.writeResult(result);
  // Of hundreds of members the weights would fill the disk.
  if (run.prepared.whole !== undefined && hasEnded(loop)) directory.forgetCheckpoints();
  const { outcome } = loop;
  directory.close(outcome === 'fitted' ? 'finished' : outcome, reasonFor(loop, options.signal));
  options.events?.finished?.(result, directory.path);
  return { result, runDir: directory.path };
}

/** Why a run ended before its time: the signal that came, the step that was not finite. */
function reasonFor({ outcome, divergedAt }: LoopResult, signal?: AbortSignal): string | null {
  if (outcome === 'diverged') return `loss or gradient not finite at step ${divergedAt}`;
  return outcome === 'interrupted' ? messageOf(signal?.reason) : null;
}

function openRecorder(run: Run, sinks: Background): Recorder {
  const { config, prepared, directory, options } = run;
  const recorder = directory.recorder({
    meta: checkpointMeta(config, prepared),
    steps: config.record.steps,
    corruptedTestAccuracy: config.record.corruptedTestAccuracy,
    top5: prepared.measured.top5,
    tensorboard: config.record.tensorboard,
    examples: config.record.examples,
  });
  return {
    steps: (rows) => recorder.steps(rows),
    examples: (epoch, evaluation) => recorder.examples?.(epoch, evaluation),
    epoch: async (row) => {
      await recorder.epoch(row);
      sinks.poke();
      options.events?.epoch?.(row);
    },
    checkpoint: (checkpoint, isBest) => recorder.checkpoint(checkpoint, isBest),
  };
}

function announce({ config, prepared, engine, directory, options }: Run, progress: Progress): void {
  const { data, batches, info, model } = prepared;
  const dropped = data.train.count % batches.batchSize;
  if (dropped > 0) {
    options.events?.note?.(
      `The last ${grouped(dropped)} of ${grouped(data.train.count)} examples of each epoch's order are not trained on: no full batch.`,
    );
  }
  options.events?.started?.({
    runDir: directory.path,
    config,
    dataset: info,
    trainCount: data.train.count,
    testCount: data.test.count,
    parameters: parameterCount(model),
    engine: engine.info,
    stepsPerEpoch: batches.stepsPerEpoch,
    epochsDone: progress.epoch,
    labelNoise: prepared.corruption.train.labels_changed,
  });
}
