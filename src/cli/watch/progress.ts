import { deviceName } from '../../engines/devices.js';
import type { EpochRow } from '../../results/training.js';
import type { RunEvents, RunStarted } from '../../setup/events.js';
import { Forecast, type TimeLeft, toldTimeLeft } from '../../sweep/forecast.js';
import { duration, grouped, percent } from '../../text.js';
import type { CliContext } from '../context.js';
import { barLines } from './bars.js';
import { createLog } from './log.js';
import { preparingLine } from './preparing.js';
import { RunRow } from './run-row.js';
import { Screen } from './screen.js';
import { Silence } from './silence.js';

/** Where a run stands in its sweep. */
export interface TrialPosition {
  /** From 1. */
  index: number;
  total: number;
  id: string;
  label: string;
  /** Time left of this trial. */
  left(): TimeLeft | undefined;
}

/** What a person sees of a run while it goes on. */
export interface Watcher {
  events: RunEvents;
  /** Takes the bar away; to be called however the run ends. */
  close(): void;
}

/**
 * Watches a run for a person, on stderr: a bar on a terminal; elsewhere, and with NO_COLOR, a line for each epoch and every
 * half minute.
 *
 * @param trial Given where the run is one of a sweep.
 * @param tagged Whether each line says which trial it is of.
 */
export function watchRun(context: CliContext, trial?: TrialPosition, tagged = false): Watcher {
  const watcher =
    context.stderr instanceof Screen
      ? runBar(context, context.stderr)
      : runLines(context, trial, tagged);
  return trial === undefined ? foreseen(watcher) : watcher;
}

/** A run that nobody makes a forecast of yet. */
type Foreseeable = Watcher & { foresee?(left: () => TimeLeft | undefined): void };

/** A run alone: its config is known when it begins. */
function foreseen({ events, close, foresee }: Foreseeable): Watcher {
  let told = events;
  const started: RunEvents['started'] = (event) => {
    const trial = { config: event.config, overrides: {} };
    const forecast = new Forecast([trial]);
    foresee?.(() => forecast.leftOf(trial));
    told = forecast.observe(trial, events);
    told.started?.(event);
  };
  return {
    events: {
      ...events,
      started,
      steps: (event) => told.steps?.(event),
      epoch: (row) => told.epoch?.(row),
    },
    close,
  };
}

function runBar(context: CliContext, screen: Screen): Foreseeable {
  let left: () => TimeLeft | undefined = () => undefined;
  const log = createLog(context, { json: false, quiet: false });
  const bar = new RunRow({
    label: '',
    left: () => left(),
    changed: () => screen.show(bar.row ? barLines([bar.row], screen.columns - 1) : []),
  });
  const close = () => screen.show([]);
  const started: RunEvents['started'] = (event) => {
    bar.events.started?.(event);
    log.info(startedLine(event));
  };
  const note = (message: string) => log.info(message);
  return {
    events: { ...bar.events, started, note, finished: close },
    close,
    foresee: (given) => {
      left = given;
    },
  };
}

function runLines(context: CliContext, trial?: TrialPosition, tagged = false): Foreseeable {
  const lines = createLog(context, { json: false, quiet: false });
  const tag = tagged && trial ? `[${trial.index}/${trial.total}] ` : '';
  const silence = new Silence();
  const say = (text: string) => {
    silence.end();
    lines.info(`${tag}${text}`);
  };
  const breakSilence = (text: () => string) => {
    if (silence.isLong()) say(text());
  };
  let left = trial?.left ?? (() => undefined);
  let epochs = 0;
  let preparing = '';
  return {
    events: {
      preparing(event) {
        if (event.what === preparing) breakSilence(() => preparingLine(event));
        else say(`${event.what} …`);
        preparing = event.what;
      },
      started(event) {
        epochs = event.config.train.epochs;
        if (trial) say(`trial ${trial.index} of ${trial.total}: ${trial.label}`);
        say(startedLine(event));
      },
      steps({ epoch, stepInEpoch, stepsPerEpoch, loss, imagesPerSecond }) {
        breakSilence(() =>
          [
            `epoch ${epoch}/${epochs}`,
            `step ${grouped(stepInEpoch)}/${grouped(stepsPerEpoch)}`,
            `loss ${loss.toPrecision(3)}`,
            `${grouped(Math.round(imagesPerSecond))} images/s`,
            toldTimeLeft(left()),
          ]
            .join('  ')
            .trimEnd(),
        );
      },
      epoch: (row) => say(epochLine(row, epochs)),
      note: say,
    },
    close() {},
    foresee: (given) => {
      left = given;
    },
  };
}

function startedLine(event: RunStarted): string {
  const { config, dataset, engine } = event;
  const kinds = config.corruption.map(({ kind }) => kind).join(' + ') || 'true labels';
  const where = `${engine.name} ${engine.version} on ${deviceName(engine)} (${engine.precision}, ${engine.mode})`;
  const resumed = event.epochsDone > 0 ? `, from epoch ${event.epochsDone + 1} on` : '';
  return `${config.model.name} (${grouped(event.parameters)} parameters) on ${grouped(event.trainCount)} images of ${dataset.name}, ${kinds}; ${where}${resumed}`;
}

function epochLine(row: EpochRow, epochs: number): string {
  return `epoch ${row.epoch}/${epochs}  loss ${row.train_loss.toPrecision(3)}  train ${percent(row.train_accuracy)}  test ${percent(row.test_accuracy)}  ${grouped(Math.round(row.images_per_second))} images/s  ${duration(row.seconds)}`;
}
