import { MultiBar, Presets, type SingleBar } from 'cli-progress';
import type { RunEvents } from '../../setup/events.js';
import { TimeLeft } from '../../sweep/estimate.js';
import type { SweepWatcher, TrialWatcher } from '../../sweep/run.js';
import { duration, grouped, percent } from '../../text.js';
import type { CliContext } from '../context.js';

/** Of a label, what fits beside a bar. */
const LABEL_WIDTH = 36;

/** Watches a sweep on a terminal: a bar for the sweep with the time left, and one for each running trial. */
export class SweepBars implements SweepWatcher {
  private readonly bars: MultiBar;
  private sweep: SingleBar | undefined;
  private left = new TimeLeft(0);
  private done = 0;
  private failed = 0;
  /** What trials had to say: most of it is the same for all of them. */
  private readonly told = new Set<string>();

  constructor(private readonly context: CliContext) {
    this.bars = new MultiBar(
      {
        format: '{label} [{bar}] {text}',
        stream: context.stderr,
        clearOnComplete: true,
        barsize: Math.min(30, Math.max(8, (context.stderr.columns ?? 100) - 90)),
        // Signals are the command's own affair, and an ended process must leave the terminal as it was.
        gracefulExit: false,
        hideCursor: false,
        linewrap: true,
        fps: 5,
      },
      Presets.shades_classic,
    );
  }

  started(records: readonly { state: string }[], toRun: number): void {
    if (toRun === 0) return;
    this.done = records.filter(({ state }) => state === 'ended').length;
    this.left = new TimeLeft(toRun);
    const payload = { label: 'sweep'.padEnd(LABEL_WIDTH), text: '' };
    this.sweep = this.bars.create(this.done + toRun, this.done, payload);
    this.update();
  }

  trial({ id, label }: { id: string; label: string }): TrialWatcher {
    const shown = fitted(label);
    let bar: SingleBar | undefined;
    const close = () => {
      if (bar) this.bars.remove(bar);
      bar = undefined;
    };
    const show = (done: number, total: number, text: string) => {
      bar ??= this.bars.create(1, 0, { label: shown, text: '' });
      bar.setTotal(Math.max(total, done, 1));
      bar.update(done, { text });
    };
    return { events: this.eventsOf(id, show), close };
  }

  ended(record: { trial: { id: string; label: string }; state: string }): void {
    this.done++;
    if (record.state === 'failed') {
      this.failed++;
      this.note(`trial ${record.trial.label} failed`);
    }
    this.left.ended(record.trial.id);
    this.update();
  }

  note(message: string): void {
    if (this.sweep) this.bars.log(`${message}\n`);
    else this.context.stderr.write(`${message}\n`);
  }

  /** Takes all bars away. */
  close(): void {
    if (this.sweep) this.bars.stop();
    this.sweep = undefined;
  }

  private eventsOf(
    id: string,
    show: (done: number, total: number, text: string) => void,
  ): RunEvents {
    let epochs = 1;
    let stepsPerEpoch = 1;
    let accuracies = '';
    return {
      preparing: ({ what, done, total }) => show(done, total, what),
      started: (event) => {
        epochs = event.config.train.epochs;
        stepsPerEpoch = event.stepsPerEpoch;
        show(event.epochsDone, epochs, `epoch ${event.epochsDone}/${epochs}`);
      },
      steps: ({ epoch, stepInEpoch, loss, imagesPerSecond }) => {
        const steps = (epoch - 1) * stepsPerEpoch + stepInEpoch;
        const rate = grouped(Math.round(imagesPerSecond));
        const text = `epoch ${epoch}/${epochs} loss ${loss.toPrecision(3)} ${rate} images/s${accuracies}`;
        show(steps, epochs * stepsPerEpoch, text);
        this.left.progress(id, steps / (epochs * stepsPerEpoch));
        this.update();
      },
      note: (message) => {
        if (!this.told.has(message)) this.note(message);
        this.told.add(message);
      },
      epoch: (row) => {
        accuracies = `  train ${percent(row.train_accuracy)} test ${percent(row.test_accuracy)}`;
      },
    };
  }

  private update(): void {
    const seconds = this.left.seconds();
    const failed = this.failed === 0 ? '' : `, ${this.failed} failed`;
    const left = seconds === undefined ? '' : `  ${duration(seconds)} left`;
    const total = this.sweep?.getTotal() ?? 0;
    this.sweep?.update(this.done, { text: `${this.done}/${total} trials${failed}${left}` });
  }
}

/** The end of a label tells trials apart better than its beginning. */
function fitted(label: string): string {
  const shown = label.length <= LABEL_WIDTH ? label : `…${label.slice(1 - LABEL_WIDTH)}`;
  return shown.padEnd(LABEL_WIDTH);
}
