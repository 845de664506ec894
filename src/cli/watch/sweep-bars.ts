import type { Trial } from '../../config/experiment.js';
import { printable } from '../../errors.js';
import type { RunEvents } from '../../setup/events.js';
import { type Forecast, toldTimeLeft } from '../../sweep/forecast.js';
import type { SweepWatcher, TrialWatcher } from '../../sweep/options.js';
import { isComplete, type TrialRecord } from '../../sweep/types.js';
import { endedLine } from '../show/results.js';
import { barLines, type Row } from './bars.js';
import { RunRow } from './run-row.js';
import type { Screen } from './screen.js';

/** Watches a sweep on a terminal: a line for each trial that has ended, a bar for each that runs, and one for all of them. */
export class SweepBars implements SweepWatcher {
  private readonly running = new Map<Trial, RunRow>();
  private total = 0;
  private done = 0;
  private failed = 0;
  /** What trials had to say: most of it is the same for all of them. */
  private readonly told = new Set<string>();

  constructor(
    private readonly screen: Screen,
    private readonly forecast: Forecast,
  ) {}

  started(records: readonly TrialRecord[], toRun: number): void {
    this.done = records.filter(({ state }) => state === 'ended').length;
    if (this.done > 0) this.note(`${this.done} of ${records.length} trials are finished already.`);
    if (toRun === 0) return;
    this.total = this.done + toRun;
    this.draw();
  }

  trial(trial: Trial): TrialWatcher {
    const row = new RunRow({
      label: trial.label,
      left: () => this.forecast.leftOf(trial),
      changed: () => this.draw(),
    });
    this.running.set(trial, row);
    const events: RunEvents = { ...row.events, note: (message) => this.noteOnce(message) };
    const close = () => {
      this.running.delete(trial);
      this.draw();
    };
    return { events, close };
  }

  ended(record: TrialRecord): void {
    if (isComplete(record) || record.state === 'failed') this.done++;
    if (record.state === 'failed') this.failed++;
    this.note(endedLine(record));
    this.draw();
  }

  note(message: string): void {
    this.screen.write(`${printable(message)}\n`);
  }

  /** Takes all bars away. */
  close(): void {
    this.total = 0;
    this.running.clear();
    this.screen.show([]);
  }

  private noteOnce(message: string): void {
    if (!this.told.has(message)) this.note(message);
    this.told.add(message);
  }

  private draw(): void {
    if (this.total === 0) return;
    const rows = [...this.running.values()].flatMap(({ row }) => row ?? []);
    // More trials at once than the terminal has rows: the sweep's own is the last to go.
    const shown = rows.slice(0, Math.max(0, this.screen.room - 1));
    this.screen.show(barLines([...shown, this.sweepRow()], this.screen.columns - 1));
  }

  private sweepRow(): Row {
    const { done, total, failed } = this;
    const left = toldTimeLeft(this.forecast.left());
    const fields = [
      `${done} of ${total} trials done`,
      ...(failed === 0 ? [] : [`${failed} failed`]),
      ...(left === '' ? [] : [left]),
    ];
    return { label: 'sweep', fraction: total === 0 ? 0 : done / total, fields };
  }
}
