import type { Trial } from '../../config/experiment.js';
import type { LauncherConfig } from '../../config/launcher.js';

/** A task that is shorter spends its time on waiting and starting. */
const WORTHWHILE_SECONDS = 15 * 60;

/**
 * Divides trials into tasks, in order.
 *
 * @param estimate Seconds that a trial takes at most; `undefined` where nobody knows: it then is a task by itself.
 * @returns Ids of each task's trials.
 */
export async function packTrials(
  trials: readonly Trial[],
  { pack, parallel }: Pick<LauncherConfig, 'pack' | 'parallel'>,
  estimate: (trial: Trial) => Promise<number | undefined>,
): Promise<string[][]> {
  const tasks: string[][] = [];
  let seconds = Number.POSITIVE_INFINITY;
  for (const trial of trials) {
    const task = tasks.at(-1);
    const full =
      task === undefined ||
      (pack === 'auto'
        ? task.length >= parallel && seconds / parallel >= WORTHWHILE_SECONDS
        : task.length >= pack);
    if (full) {
      tasks.push([]);
      seconds = 0;
    }
    tasks.at(-1)!.push(trial.id);
    if (pack === 'auto') seconds += (await estimate(trial)) ?? Number.POSITIVE_INFINITY;
  }
  return tasks;
}
