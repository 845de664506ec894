import { basename, dirname, join } from 'node:path';

/** Times and hashes, as `RunDirectory.create` names directories. */
const RUN_NAME = /^(\d{8}T(\d{6}Z))-([0-9a-f]{8})((?:-\d+)?)$/;

/** What a run may be called by, the shortest first: beginnings of its config's hash, then with the time, then with its folder. */
function namesOf(path: string): string[] {
  const base = basename(path);
  const [, , time, hash, again] = RUN_NAME.exec(base) ?? [];
  const long = [base, join(basename(dirname(path)), base), path];
  if (hash === undefined) return long;
  const short = [6, 7, 8].map((digits) => hash.slice(0, digits));
  return [...new Set([...short, hash + again, `${time}-${hash}${again}`, ...long])];
}

/** Ids of runs, by path: the shortest name of each that no other one has, of 6 hexadecimal digits or more. */
export function shortIds(paths: readonly string[]): Map<string, string> {
  const counts = new Map<string, number>();
  const names = paths.map(namesOf);
  for (const name of names.flat()) counts.set(name, (counts.get(name) ?? 0) + 1);
  return new Map(
    paths.map((path, i) => [path, names[i]!.find((name) => counts.get(name) === 1) ?? path]),
  );
}

/** Fewer characters than these name nothing. */
const FEWEST = 4;

/** The runs that somebody may mean by an id, or by a part of one as git takes it: of hash, time, or both. */
export function runsCalled(id: string, paths: readonly string[]): string[] {
  const exact = paths.filter((path) => namesOf(path).includes(id));
  if (exact.length > 0 || id.length < FEWEST) return exact;
  return paths.filter((path) => {
    const base = basename(path);
    const [, , , hash] = RUN_NAME.exec(base) ?? [];
    return hash?.startsWith(id) || base.endsWith(id) || base.startsWith(id);
  });
}

/** When a run was begun, as the name of its directory says it: ISO 8601, UTC; `null` where that says nothing. */
export function startedAt(path: string): string | null {
  const [, stamp] = RUN_NAME.exec(basename(path)) ?? [];
  const time = stamp?.replace(/^(....)(..)(..)T(..)(..)(..)Z$/, '$1-$2-$3T$4:$5:$6Z');
  return time === undefined || Number.isNaN(Date.parse(time)) ? null : time;
}
