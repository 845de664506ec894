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

/**
 * The place of a split's folder in a path: first, or below one folder as tar often has; -1 where there is none.
 *
 * @param above Folders that lie above the splits whatever their names say.
 */
export function splitAt(parts: readonly string[], above?: ReadonlySet<string>): number {
  const [first = '', second = ''] = parts;
  if (isSplit(first) && !above?.has(first)) return 0;
  return isSplit(second) ? 1 : -1;
}

/** Names that leave no doubt. */
const PLAIN = new Set(['train', 'test', 'val', 'validation']);

/** Folders that have the name of a split by chance, above those that are some: `Training/train/cat/1.jpg`. */
export function foldersAbove(paths: readonly string[]): ReadonlySet<string> {
  const above = new Set<string>();
  for (const path of paths) {
    const first = path.slice(0, path.indexOf('/'));
    if (PLAIN.has(first) || above.has(first) || !isSplit(first)) continue;
    const [, second, , file] = path.split('/');
    // Below a split there is a class, which may have any name, and its images: no deeper folder but `images`.
    if (PLAIN.has(second!) && file) above.add(first);
  }
  return above;
}

function isSplit(name: string): boolean {
  return splitFolder(name) !== undefined;
}
