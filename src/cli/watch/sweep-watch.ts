import type { Trial } from '../../config/experiment.js';
import { TimeLeft } from '../../sweep/estimate.js';
import type { SweepWatcher } from '../../sweep/run.js';
import type { TrialRecord } from '../../sweep/types.js';
import { duration } from '../../text.js';
import { type CliContext, isFancy } from '../context.js';
import type { OutputOptions } from '../options.js';
import { emit } from './json-events.js';
import { createLog } from './log.js';
import { SweepBars } from './sweep-bars.js';
import { createWatcher } from './watch.js';

/** Whoever should see a sweep: a program, a person at a terminal or before a log, or nobody. */
export function createSweepWatcher(
  context: CliContext,
  options: OutputOptions & { jobs?: number },
  trials: readonly Trial[],
): SweepWatcher & { close(): void } {
  if (!options.json && !options.quiet && isFancy(context.stderr, context.env)) {
    return new SweepBars(context);
  }
  return new SweepLines(context, options, trials);
}

/** Lines for each trial as for a single run, and one of the sweep's progress after each. */
class SweepLines implements SweepWatcher {
  private left = new TimeLeft(0);
  private toRun = 0;
  private done = 0;
  private failed = 0;

  constructor(
    private readonly context: CliContext,
    private readonly options: OutputOptions & { jobs?: number },
    private readonly trials: readonly Trial[],
  ) {}

  started(records: readonly TrialRecord[], toRun: number): void {
    this.left = new TimeLeft(toRun);
    this.toRun = toRun;
    const found = records.filter(({ state }) => state === 'ended').length;
    if (found > 0) this.note(`${found} of ${records.length} trials are finished already.`);
  }

  trial(trial: Trial) {
    const index = this.trials.indexOf(trial) + 1;
    const position = { index, total: this.trials.length, label: trial.label, id: trial.id };
    // Lines of several trials come mixed: each says whose it is.
    return createWatcher(this.context, this.options, position, (this.options.jobs ?? 1) > 1);
  }

  ended(record: TrialRecord): void {
    this.done++;
    this.left.ended(record.trial.id);
    if (record.state === 'failed') {
      this.failed++;
      const { trial, error, runDir } = record;
      if (this.options.json)
        emit(this.context, 'failed', { trial: brief(trial), error, run_dir: runDir });
      else this.note(`trial ${trial.label} failed: ${error.message.split('\n')[0]}`);
    }
    const seconds = this.left.seconds();
    if (this.done === this.toRun || seconds === undefined) return;
    const failed = this.failed === 0 ? '' : `, ${this.failed} failed`;
    this.note(
      `${this.done} of ${this.toRun} trials done${failed}; about ${duration(seconds)} left`,
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
