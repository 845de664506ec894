import type { SplitName } from '../types.js';

/** Names of the folders that hold a split, in any case; of several test sets the first that has labels is used. */
const FOLDERS: Record<SplitName, readonly string[]> = {
  train: ['train', 'training'],
  test: ['test', 'val', 'validation', 'testing', 'valid'],
};

/** What a folder's name says it holds, and its place among those of the same split; `undefined` for another folder. */
export function splitFolder(name: string): { split: SplitName; rank: number } | undefined {
  const known = name.toLowerCase();
  for (const split of ['train', 'test'] as const) {
    const rank = FOLDERS[split].indexOf(known);
    if (rank >= 0) return { split, rank };
  }
  return undefined;
}

/** The place of a split's folder in a path: first, or below one folder as tar often has; -1 where there is none. */
export function splitAt(parts: readonly string[]): number {
  const [first = '', second = ''] = parts;
  if (!isSplit(first)) return isSplit(second) ? 1 : -1;
  // `Training/train/cat/1.jpg`: a name that only looks like a split's, above those that are.
  const above = first !== first.toLowerCase() && parts.length > 3 && isSplit(second);
  return above ? 1 : 0;
}

function isSplit(name: string): boolean {
  return splitFolder(name) !== undefined;
}
