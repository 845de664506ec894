import { join } from 'node:path';
import { RethinkError, reportedError } from '../../errors.js';
import { STOP_SIGNALS } from '../../machine/signals.js';
import type { SweepDefinition } from '../../sweep/directory.js';
import { Forecast, toldTimeLeft } from '../../sweep/forecast.js';
import { lacking, needsOf } from '../../sweep/needs.js';
import { type SweepPart, wantedTrials } from '../../sweep/part.js';
import { runSweep } from '../../sweep/run.js';
import { type FailedTrial, isComplete, type TrialRecord } from '../../sweep/types.js';
import { counted, grouped } from '../../text.js';
import type { CliContext } from '../context.js';
import type { OutputOptions } from '../options.js';
import { reportError } from '../show/errors.js';
import type { Expectation } from '../show/expect.js';
import { printNext, runExitCode } from '../show/finish.js';
import { sweepResult, type TrialResult, trialSummary } from '../show/results.js';
import { roomOf, shownPath } from '../show/table.js';
import { emit } from '../watch/json-events.js';
import { listenForInterruption } from '../watch/signals.js';
import { createSweepWatcher } from '../watch/sweep-watch.js';

export interface SweepCommandOptions extends OutputOptions {
  out?: string;
  dataDir?: string;
  maxTrials?: number;
  trial?: SweepPart;
  wait?: boolean;
  jobs?: number;
  expect?: Expectation[];
}

/**
 * Runs what is missing of a sweep, prints a table of all of it and says how it went.
 *
 * @returns The exit code: 0 also where trials diverged or did not converge; 1 where one failed.
 */
export async function sweepCommand(
  definition: SweepDefinition,
  options: SweepCommandOptions,
  context: CliContext,
): Promise<number> {
  const { out = 'results', dataDir, jobs, maxTrials, trial: part } = options;
  const timings = await context.loadTimings();
  const interruption = listenForInterruption(context);
  const forecast = new Forecast(definition.trials);
  const watcher = createSweepWatcher(context, options, definition.trials, forecast);
  let records: TrialRecord[];
  try {
    records = await runSweep(definition, {
      out,
      dataDir,
      jobs,
      maxTrials,
      part,
      wait: options.wait === false ? 'never' : undefined,
      watcher,
      forecast,
      signal: interruption.signal,
      checkpointRequests: interruption.checkpointRequests,
      loadRunner: context.loadRunner,
      onResult: ({ config }, { result }) => timings.note(config, result),
    });
  } finally {
    watcher.close();
    interruption.dispose();
  }
  const directory = join(out, definition.name);
  printRecords(records, directory, options, context);
  const wanted = wantedTrials(records, { maxTrials, part });
  const stoppedBy = interruption.exitCode();
  // Also without a signal of our own: the process of one trial may have had one.
  const needs = needsOf(definition.trials);
  const lacks = (record: TrialRecord) => lacking(needs[records.indexOf(record)]!, records);
  const isOver = (r: TrialRecord) =>
    isComplete(r) || r.state === 'failed' || r.state === 'elsewhere' || lacks(r) > 0;
  if (!wanted.every(isOver)) {
    printHowToGoOn(wanted, forecast, directory, context);
    return stoppedBy ?? STOP_SIGNALS.SIGINT.exitCode;
  }
  printElsewhere(wanted, context);
  for (const record of wanted) {
    const missing = record.state === 'waiting' ? lacks(record) : 0;
    if (missing === 0) continue;
    const { label, id } = record.trial;
    const are = missing === 1 ? 'is' : 'are';
    context.stderr.write(
      `${label || id} is not computed yet: ${counted(missing, 'network')} of it ${are} not trained.\n`,
    );
  }
  if (wanted.some(isComplete)) printNext(directory, options, context);
  return exitCode(wanted, directory, options.expect ?? [], context);
}

function printRecords(
  records: readonly TrialRecord[],
  directory: string,
  options: OutputOptions,
  context: CliContext,
): void {
  const ended = records.filter((record) => record.state === 'ended');
  if (options.json) emit(context, 'summary', { trials: records.map(trialSummary) });
  else if (ended.length > 0) {
    context.stdout.write(sweepResult(ended, directory, roomOf(context.stdout)));
  }
}

function printHowToGoOn(
  records: readonly TrialRecord[],
  forecast: Forecast,
  directory: string,
  { stderr }: CliContext,
): void {
  const done = records.filter(isComplete).length;
  const left = toldTimeLeft(forecast.left());
  const told = `${done} of ${records.length} trials done${left === '' ? '' : `; ${left}`}`;
  stderr.write(`Interrupted: ${told}. Those that had begun have written a checkpoint.\n`);
  stderr.write(`Go on with the same command, or: rethink-gen resume ${shownPath(directory)}\n`);
}

/** Other processes are at work on these, and will write the table anew. */
function printElsewhere(records: readonly TrialRecord[], { stderr }: CliContext): void {
  const elsewhere = records.flatMap((record) => (record.state === 'elsewhere' ? [record.by] : []));
  if (elsewhere.length === 0) return;
  const by = [...new Set(elsewhere)].join(', ');
  stderr.write(`${counted(elsewhere.length, 'trial')} left to others that run them now: ${by}\n`);
}

function exitCode(
  records: readonly TrialRecord[],
  directory: string,
  expectations: readonly Expectation[],
  context: CliContext,
): number {
  const failed = records.filter((record): record is FailedTrial => record.state === 'failed');
  const ended: TrialResult[] = records.filter((record) => record.state === 'ended');
  const unmet = runExitCode(ended, true, expectations, context);
  if (failed.length === 0) return unmet;
  for (const record of failed.slice(0, MOST_FAILURES)) reportFailure(record, context);
  if (failed.length > MOST_FAILURES) {
    const more = grouped(failed.length - MOST_FAILURES);
    const table = shownPath(join(directory, 'trials.csv'));
    context.stderr.write(`… and ${more} more trials failed: ${table} says why.\n`);
  }
  const codes = failed.map(({ error }) => codeOf(error));
  // Where nothing could run, and for one reason (no data), that reason is what a script wants to know.
  const [first] = codes;
  return ended.length === 0 && codes.every((code) => code === first) ? first! : 1;
}

/** Failures told in full: a thousand trials that fail mostly do for one reason. */
const MOST_FAILURES = 10;

function codeOf(report: FailedTrial['error']): number {
  const error = reportedError(report);
  return error instanceof RethinkError ? error.exitCode : 1;
}

function reportFailure({ trial, error }: FailedTrial, context: CliContext): void {
  const { kind, message, hint, bug } = error;
  const name = trial.label || trial.id;
  if (bug) {
    reportError(new Error(`trial ${name}: ${message}`), context);
    return;
  }
  // Its lines are as the trial's own error had them.
  const [first, ...rest] = message.split('\n');
  const told = [`trial ${name}: ${first}`, ...rest];
  reportError(new RethinkError(kind, told, { hint }), context);
}
