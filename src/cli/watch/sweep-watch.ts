import type { Trial } from '../../config/experiment.js';
import { type Forecast, toldTimeLeft } from '../../sweep/forecast.js';
import type { SweepWatcher } from '../../sweep/options.js';
import { isComplete, type TrialRecord } from '../../sweep/types.js';
import type { CliContext } from '../context.js';
import type { OutputOptions } from '../options.js';
import { endedLine } from '../show/results.js';
import { emit } from './json-events.js';
import { createLog } from './log.js';
import { Screen } from './screen.js';
import { SweepBars } from './sweep-bars.js';
import { createWatcher } from './watch.js';

/** Whoever should see a sweep: a program, a person at a terminal or before a log, or nobody. */
export function createSweepWatcher(
  context: CliContext,
  options: OutputOptions & { jobs?: number },
  trials: readonly Trial[],
  forecast: Forecast,
): SweepWatcher & { close(): void } {
  if (!options.json && !options.quiet && context.stderr instanceof Screen) {
    return new SweepBars(context.stderr, forecast);
  }
  return new SweepLines(context, options, trials, forecast);
}

/** Lines for each trial as for a single run, and one of the sweep's progress after each. */
class SweepLines implements SweepWatcher {
  private total = 0;
  private done = 0;
  private failed = 0;

  constructor(
    private readonly context: CliContext,
    private readonly options: OutputOptions & { jobs?: number },
    private readonly trials: readonly Trial[],
    private readonly forecast: Forecast,
  ) {}

  started(records: readonly TrialRecord[], toRun: number): void {
    this.done = records.filter(({ state }) => state === 'ended').length;
    this.total = this.done + toRun;
    if (this.done > 0) this.note(`${this.done} of ${records.length} trials are finished already.`);
  }

  trial(trial: Trial) {
    const { id, label } = trial;
    const index = this.trials.indexOf(trial) + 1;
    const left = () => this.forecast.leftOf(trial);
    const position = { index, total: this.trials.length, label, id, left };
    // Lines of several trials come mixed: each says whose it is.
    return createWatcher(this.context, this.options, position, (this.options.jobs ?? 1) > 1);
  }

  ended(record: TrialRecord): void {
    if (isComplete(record) || record.state === 'failed') this.done++;
    if (record.state === 'failed') this.failed++;
    if (record.state === 'failed' && this.options.json) {
      const { trial, error, runDir } = record;
      emit(this.context, 'failed', { trial: brief(trial), error, run_dir: runDir });
    } else this.note(endedLine(record));
    if (this.done === this.total) return;
    const failed = this.failed === 0 ? '' : `, ${this.failed} failed`;
    const left = toldTimeLeft(this.forecast.left());
    this.note(
      `${this.done} of ${this.total} trials done${failed}${left === '' ? '' : `; ${left}`}`,
    );
  }

  note(message: string): void {
    createLog(this.context, {
      json: this.options.json === true,
      quiet: this.options.quiet === true,
    }).info(message);
  }

  close(): void {}
}

function brief({ id, label, overrides }: Trial): object {
  return { id, label, overrides };
}
