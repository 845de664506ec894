/** A process that runs one trial of a sweep. Started by `runInProcess`. */

import { limitError } from '../disk/limits.js';
import { reportOf } from '../errors.js';
import { onCheckpointSignal, onStopSignal } from '../machine/signals.js';
import type { RunEvents } from '../setup/events.js';
import { CHECKPOINT, type ChildMessage, INTERRUPT, type TrialRequest } from './process.js';

const controller = new AbortController();
const interrupt = (cause: string) => controller.abort(new DOMException(cause, 'AbortError'));
const checkpointRequests = { count: 0 };

// A signal may reach the sweep's whole group of processes. What it asks for comes as a message all the same, so that it is
// done once: checkpoints by that way alone, and so the end at SIGHUP, which the sweep may have been told to ignore. A second
// Ctrl-C must end this process even inside a native call.
onStopSignal(interrupt, false);
onCheckpointSignal(() => {});
// Nobody is left to tell: an orphan must not keep the machine busy, and its last checkpoint is as good as any.
process.on('disconnect', () => process.exit(1));

process.on('message', (message: TrialRequest | typeof INTERRUPT | typeof CHECKPOINT) => {
  if (message === INTERRUPT) interrupt('the sweep was interrupted');
  else if (message === CHECKPOINT) checkpointRequests.count++;
  else void answer(message).then((last) => process.send!(last, () => process.exit(0)));
});

async function answer({ config, runDir, options }: TrialRequest): Promise<ChildMessage> {
  const { signal } = controller;
  const shared = { ...options, events: forwarded(), signal, checkpointRequests };
  try {
    // Only here: it loads for a while, and signals must find their listeners before that.
    const { resumeRun, runExperiment } = await import('../run/index.js');
    const finished =
      runDir === null ? await runExperiment(config, shared) : await resumeRun(runDir, shared);
    return { finished };
  } catch (error) {
    return { error: reportOf(limitError(error) ?? error) };
  }
}

function forwarded(): RunEvents {
  const names = ['preparing', 'started', 'steps', 'epoch', 'note', 'finished'] as const;
  const send = (event: keyof RunEvents, args: unknown[]) =>
    process.send?.({ event, args } satisfies ChildMessage);
  return Object.fromEntries(
    names.map((name) => [name, (...args: unknown[]) => send(name, args)]),
  ) as RunEvents;
}
