import { Presets, SingleBar } from 'cli-progress';
import type { Preparing, StepsDone } from '../../progress.js';
import type { EpochRow } from '../../results/training.js';
import type { RunEvents, RunStarted } from '../../setup/events.js';
import { duration, grouped, percent } from '../../text.js';
import { type CliContext, isFancy } from '../context.js';
import { createLog } from './log.js';

/** Where a run stands in its sweep. */
export interface TrialPosition {
  /** From 1. */
  index: number;
  total: number;
  id: string;
  label: string;
}

/** What a person sees of a run while it goes on. */
export interface Watcher {
  events: RunEvents;
  /** Takes the bar away; to be called however the run ends. */
  close(): void;
}

/**
 * Watches a run for a person, on stderr: bars on a terminal; elsewhere, and with NO_COLOR, a line for each epoch.
 *
 * @param trial Given where the run is one of a sweep.
 * @param tagged Whether each line says which trial it is of.
 */
export function watchRun(context: CliContext, trial?: TrialPosition, tagged = false): Watcher {
  const bar = isFancy(context.stderr, context.env) ? new Bar(context) : undefined;
  const lines = createLog(context, { json: false, quiet: false, beforeLine: () => bar?.makeWay() });
  const tag = tagged && trial ? `[${trial.index}/${trial.total}] ` : '';
  const log = { info: (text: string) => lines.info(`${tag}${text}`) };
  let epochs = 0;
  let preparing = '';
  const events: RunEvents = {
    preparing(event) {
      if (bar) bar.preparing(event);
      else if (event.what !== preparing) log.info(`${event.what} …`);
      preparing = event.what;
    },
    started(event) {
      epochs = event.config.train.epochs;
      bar?.stop();
      if (trial) log.info(`trial ${trial.index} of ${trial.total}: ${trial.label}`);
      log.info(startedLine(event));
      bar?.training(event);
    },
    steps: (event) => bar?.steps(event),
    epoch(row) {
      if (bar) bar.epoch(row);
      else log.info(epochLine(row, epochs));
    },
    note: (message) => log.info(message),
    finished: () => bar?.stop(),
  };
  return { events, close: () => bar?.stop() };
}

function startedLine(event: RunStarted): string {
  const { config, dataset, engine } = event;
  const kinds = config.corruption.map(({ kind }) => kind).join(' + ') || 'true labels';
  const where = `${engine.name} ${engine.version} on ${engine.device} (${engine.precision}, ${engine.mode})`;
  const resumed = event.epochsDone > 0 ? `, from epoch ${event.epochsDone + 1} on` : '';
  return `${config.model.name} (${grouped(event.parameters)} parameters) on ${grouped(event.trainCount)} images of ${dataset.name}, ${kinds}; ${where}${resumed}`;
}

function epochLine(row: EpochRow, epochs: number): string {
  return `epoch ${row.epoch}/${epochs}  loss ${row.train_loss.toPrecision(3)}  train ${percent(row.train_accuracy)}  test ${percent(row.test_accuracy)}  ${grouped(Math.round(row.images_per_second))} images/s  ${duration(row.seconds)}`;
}

/** One bar at a time, for what is being prepared or for the steps of all epochs. */
class Bar {
  private bar: SingleBar | undefined;
  private what = '';
  private stepsPerEpoch = 1;
  private accuracies = '';

  constructor(private readonly context: CliContext) {}

  preparing({ what, done, total, unit }: Preparing): void {
    if (what !== this.what)
      this.start('{what} [{bar}] {percentage} %  {amount}', total, 0, { what });
    this.what = what;
    const shown = unit === 'bytes' ? `${(done / 1e6).toFixed(1)} MB` : `${grouped(done)} ${unit}`;
    this.bar?.setTotal(Math.max(total, done, 1));
    this.bar?.update(done, { what, amount: shown });
  }

  training({ config, stepsPerEpoch, epochsDone }: RunStarted): void {
    this.stepsPerEpoch = stepsPerEpoch;
    const { epochs } = config.train;
    const format = `epoch {epoch}/${epochs} [{bar}] loss {loss}  {rate} images/s{accuracies}  {duration_formatted}`;
    this.start(format, epochs * stepsPerEpoch, epochsDone * stepsPerEpoch, {});
  }

  steps({ epoch, stepInEpoch, loss, imagesPerSecond }: StepsDone): void {
    this.bar?.update((epoch - 1) * this.stepsPerEpoch + stepInEpoch, {
      epoch,
      loss: loss.toPrecision(3),
      rate: grouped(Math.round(imagesPerSecond)),
      accuracies: this.accuracies,
    });
  }

  epoch(row: EpochRow): void {
    this.accuracies = `  train ${percent(row.train_accuracy)}  test ${percent(row.test_accuracy)}`;
    this.bar?.update({ accuracies: this.accuracies });
  }

  /** Clears the line for something else to be written there; the next redraw brings the bar back below. */
  makeWay(): void {
    if (this.bar) this.context.stderr.write('\r\u001b[2K');
  }

  stop(): void {
    this.bar?.stop();
    this.bar = undefined;
    this.what = '';
  }

  private start(format: string, total: number, from: number, payload: object): void {
    this.stop();
    this.bar = new SingleBar(
      {
        format,
        stream: this.context.stderr,
        clearOnComplete: true,
        // The text beside it takes about 80 columns.
        barsize: Math.min(40, Math.max(10, (this.context.stderr.columns ?? 100) - 80)),
        // Signals are the command's own affair, and an ended process must leave the terminal as it was.
        gracefulExit: false,
        hideCursor: false,
        linewrap: true,
        fps: 5,
      },
      Presets.shades_classic,
    );
    const empty = { epoch: '–', loss: '–', rate: '–', accuracies: '', what: '', amount: '' };
    this.bar.start(Math.max(total, 1), from, { ...empty, ...payload });
  }
}
