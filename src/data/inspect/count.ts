import type { OnProgress } from '../../progress.js';
import type { DataSource, SplitName } from '../types.js';

/** Reads a whole source, which checks it, and counts the examples of each class. */
export async function countPerClass(
  source: DataSource,
  options: { signal?: AbortSignal | undefined; onProgress?: OnProgress | undefined } = {},
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
