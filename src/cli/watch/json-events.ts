import { printableJson } from '../../errors.js';
import type { RunEvents } from '../../setup/events.js';
import type { CliContext } from '../context.js';
import { createLog } from './log.js';
import { preparingLine } from './preparing.js';
import type { TrialPosition, Watcher } from './progress.js';
import { Silence } from './silence.js';

/** Writes one line of newline-delimited JSON to stdout: `{"event": …}`. */
export function emit({ stdout }: CliContext, event: string, fields: object): void {
  stdout.write(`${printableJson(JSON.stringify({ event, ...fields }))}\n`);
}

/**
 * Watches a run for a program, with `--json`: events as lines on stdout (docs/running.md has a table of them), `progress`
 * where an epoch says nothing for half a minute; what is being prepared and notes as log lines on stderr.
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
  const silence = new Silence();
  const say = (event: string, fields: object) => {
    silence.end();
    emit(context, event, { ...place, ...fields });
  };
  const tell = (message: string) => {
    silence.end();
    log.info(message);
  };
  let preparing = '';
  const finished: RunEvents['finished'] = (result, run_dir) => say('finished', { run_dir, result });
  if (quiet) return { events: { finished }, close() {} };
  const events: RunEvents = {
    preparing(event) {
      if (event.what !== preparing) tell(event.what);
      else if (silence.isLong()) tell(preparingLine(event));
      preparing = event.what;
    },
    started: (event) =>
      say('started', {
        run_dir: event.runDir,
        config: event.config,
        engine: event.engine,
        data: { ...event.dataset, train: event.trainCount, test: event.testCount },
        parameters: event.parameters,
        steps_per_epoch: event.stepsPerEpoch,
        epochs_done: event.epochsDone,
        label_noise: event.labelNoise,
      }),
    steps({ epoch, stepInEpoch, stepsPerEpoch, loss, imagesPerSecond }) {
      if (!silence.isLong()) return;
      say('progress', {
        epoch,
        step_in_epoch: stepInEpoch,
        steps_per_epoch: stepsPerEpoch,
        loss,
        images_per_second: imagesPerSecond,
      });
    },
    epoch: (row) => say('epoch', row),
    note: tell,
    finished,
  };
  return { events, close() {} };
}

function placed({ index, total, id, label }: TrialPosition): object {
  return { index, total, id, label };
}
