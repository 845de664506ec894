import { printableJson } from '../../errors.js';
import type { RunEvents } from '../../setup/events.js';
import type { CliContext } from '../context.js';
import { createLog } from './log.js';
import type { TrialPosition, Watcher } from './progress.js';

/** Writes one line of newline-delimited JSON to stdout: `{"event": …}`. */
export function emit({ stdout }: CliContext, event: string, fields: object): void {
  stdout.write(`${printableJson(JSON.stringify({ event, ...fields }))}\n`);
}

/**
 * Watches a run for a program, with `--json`: `started`, `epoch` and `finished` as lines on stdout; what is being
 * prepared and notes as log lines on stderr.
 *
 * @param quiet Only `finished`.
 */
export function watchRunAsJson(
  context: CliContext,
  quiet: boolean,
  trial?: TrialPosition,
): Watcher {
  const log = createLog(context, { json: true, quiet });
  const place = trial ? { trial: placed(trial) } : {};
  let preparing = '';
  const finished: RunEvents['finished'] = (result, runDir) =>
    emit(context, 'finished', { ...place, run_dir: runDir, result });
  if (quiet) return { events: { finished }, close() {} };
  const events: RunEvents = {
    preparing(event) {
      if (event.what !== preparing) log.info(event.what);
      preparing = event.what;
    },
    started: (event) =>
      emit(context, 'started', {
        ...place,
        run_dir: event.runDir,
        config: event.config,
        engine: event.engine,
        data: { ...event.dataset, train: event.trainCount, test: event.testCount },
        parameters: event.parameters,
        steps_per_epoch: event.stepsPerEpoch,
        epochs_done: event.epochsDone,
        label_noise: event.labelNoise,
      }),
    epoch: (row) => emit(context, 'epoch', { ...place, ...row }),
    note: (message) => log.info(message),
    finished,
  };
  return { events, close() {} };
}

function placed({ index, total, id, label }: TrialPosition): object {
  return { index, total, id, label };
}
