import type { CliContext } from '../context.js';
import type { OutputOptions } from '../options.js';
import { watchRunAsJson } from './json-events.js';
import { type TrialPosition, type Watcher, watchRun } from './progress.js';

/**
 * Whoever should see a run: a program (`--json`), a person, or nobody (`--quiet`).
 *
 * @param trial Given where the run is one of a sweep.
 * @param tagged Whether each line says which trial it is of.
 */
export function createWatcher(
  context: CliContext,
  options: OutputOptions,
  trial?: TrialPosition,
  tagged = false,
): Watcher {
  if (options.json) return watchRunAsJson(context, options.quiet === true, trial);
  return options.quiet ? { events: {}, close() {} } : watchRun(context, trial, tagged);
}
