/**
 * rethink-gen as a library: what the command line does, for a program to do.
 *
 * ```ts
 * import { loadExperiment, runSweep, sweepOf } from 'rethink-gen';
 *
 * const records = await runSweep(sweepOf(await loadExperiment('quickstart')), { jobs: 2 });
 * for (const record of records) {
 *   if (record.state === 'ended') console.log(record.trial.label, record.result.outcome, record.runDir);
 * }
 * ```
 *
 * @module
 */

export type { CorruptionConfig } from './config/corruptions.js';
export {
  type ConfigSource,
  type Experiment,
  type ExperimentOptions,
  loadExperiment,
  type Trial,
} from './config/experiment.js';
export { configHash } from './config/hash.js';
export type { ModelConfig } from './config/models.js';
export type { Config, ConfigOf } from './config/resolve.js';
export type { ExperimentName } from './config/theory.js';
export { type CorruptedDataset, corruptDataset, summarizeCorruption } from './corrupt/index.js';
export { type LoadOptions, loadDataset } from './data/load.js';
export type { Dataset, DatasetInfo, Split } from './data/types.js';
export { createEngine, type EngineContext } from './engines/index.js';
export type { Engine, EngineInfo, EngineOptions, Program, Session } from './engines/types.js';
export { type ErrorKind, type ErrorReport, RethinkError } from './errors.js';
export { readMetrics, readSteps } from './record/rows.js';
export { type FoundRun, findRuns, readResult, readTheoryResult } from './record/runs.js';
export { type ExperimentResult, isTheoryResult, type TheoryResult } from './results/theory.js';
export type {
  EpochRow,
  RunResult,
  StepRow,
  StoredEpochRow,
  StoredStepRow,
} from './results/training.js';
export { type EvaluateOptions, evaluateRun, type RunEvaluation } from './run/evaluate.js';
export { resumeRun, runExperiment } from './run/index.js';
export type { RunEvents } from './setup/events.js';
export type { FinishedRun, NewRunOptions, RunOptions } from './setup/options.js';
export { type SweepDefinition, sweepOf } from './sweep/directory.js';
export type { SweepOptions, SweepWatcher, TrialWatcher } from './sweep/options.js';
export { runSweep } from './sweep/run.js';
export type { TrialRecord } from './sweep/types.js';
export { version } from './version.js';
