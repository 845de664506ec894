import { takingTurns, type Watching } from '../../progress.js';
import { grouped, named } from '../../text.js';
import type { DataSource, SplitName } from '../types.js';

/** Where a data set is looked for, and who watches it being read. */
export interface InspectOptions extends Watching {
  dataDir?: string | undefined;
  /** A folder or archive elsewhere, as `data.dir`. */
  dir?: string | undefined;
}

/** Examples of each class, [classes]. */
export function countByClass(classes: readonly string[], labels: Iterable<number>): number[] {
  const counts = classes.map(() => 0);
  for (const label of labels) counts[label]!++;
  return counts;
}

/**
 * Names the classes that no test image is of: test accuracy says nothing of them.
 *
 * @param perClass Test images of each class.
 * @returns `undefined` where every class has some.
 */
export function untestedNote(
  classes: readonly string[],
  perClass: readonly number[],
): string | undefined {
  const missing = classes.filter((_, label) => !perClass[label]);
  if (missing.length === 0) return undefined;
  return `${grouped(missing.length)} of ${grouped(classes.length)} classes ${missing.length === 1 ? 'has' : 'have'} no test images: ${named(missing)}.`;
}

/** Reads a whole source, which checks it, and counts the examples of each class. */
export async function countPerClass(
  source: DataSource,
  watching: Watching = {},
): Promise<Record<SplitName, number[]>> {
  const { name, counts, classes } = source.info;
  const perClass = { train: classes.map(() => 0), test: classes.map(() => 0) };
  const total = counts.train + counts.test;
  let done = 0;
  const amount = () => ({ done, total, unit: 'images' as const });
  const turn = takingTurns(watching, `checking ${name}`, amount);
  for (const split of ['train', 'test'] as const) {
    for await (const { label } of source.read(split, watching.signal)) {
      perClass[split][label] = perClass[split][label]! + 1;
      done++;
      await turn();
    }
  }
  watching.onProgress?.({ what: `checking ${name}`, ...amount() });
  return perClass;
}
