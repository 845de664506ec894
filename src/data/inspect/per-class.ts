import type { OnProgress } from '../../progress.js';
import { grouped, quoted } from '../../text.js';
import type { DataSource, SplitName } from '../types.js';

/** Where a data set is looked for, and who watches it being read. */
export interface InspectOptions {
  dataDir?: string | undefined;
  /** A folder or archive elsewhere, as `data.dir`. */
  dir?: string | undefined;
  signal?: AbortSignal | undefined;
  onProgress?: OnProgress | undefined;
}

/** Classes told by name at most. */
const SHOWN = 10;

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
  const named = missing.slice(0, SHOWN).map(quoted).join(', ');
  const more = missing.length > SHOWN ? ', …' : '';
  return `${grouped(missing.length)} of ${grouped(classes.length)} classes ${missing.length === 1 ? 'has' : 'have'} no test images: ${named}${more}.`;
}

/** Reads a whole source, which checks it, and counts the examples of each class. */
export async function countPerClass(
  source: DataSource,
  options: Pick<InspectOptions, 'signal' | 'onProgress'> = {},
): Promise<Record<SplitName, number[]>> {
  const { name, counts, classes } = source.info;
  const perClass = { train: classes.map(() => 0), test: classes.map(() => 0) };
  const total = counts.train + counts.test;
  let done = 0;
  for (const split of ['train', 'test'] as const) {
    for await (const { label } of source.read(split, options.signal)) {
      perClass[split][label] = perClass[split][label]! + 1;
      done++;
      if (done % 1000 === 0 || done === total) {
        options.onProgress?.({ what: `checking ${name}`, done, total, unit: 'images' });
      }
    }
  }
  return perClass;
}
