import type { Dirent } from 'node:fs';
import { errorCode } from '../../disk/errors.js';
import { Unchanged } from '../../disk/unchanged.js';
import { tolerate } from '../../errors.js';
import { inTurns, takingTurns, type Watching } from '../../progress.js';
import { readListed } from '../../record/listing/listed.js';
import { type Choice, parseWhere } from '../../record/listing/where.js';
import { listFolder, searchRunFolders } from '../../record/runs.js';
import { type DamagedRun, type ReportRun, RunReader } from '../runs.js';

/** All runs at or below some folders, as far as they are. */
export interface FoundRuns {
  runs: ReportRun[];
  damaged: DamagedRun[];
}

/**
 * Runs that are looked at again and again: what is new is read, what has not changed stays the same object, and what is gone
 * is left out. Nothing that is wrong with a disk or a file ends it.
 */
export class LiveRuns {
  private readonly listings = new Unchanged();
  private readers = new Map<string, { reader: RunReader; read: ReportRun | DamagedRun }>();
  private found: FoundRuns = { runs: [], damaged: [] };
  /** Every folder of the last look, by path, with the names of what is in it. */
  folders: ReadonlyMap<string, readonly string[]> = new Map();

  private readonly choice: Choice | null;
  private readonly chosen = new WeakMap<ReportRun | DamagedRun, boolean>();

  /**
   * @param directories As `searchRunFolders` takes them.
   * @param where Conditions that choose some of the runs.
   * @throws RethinkError (`usage`) as `parseWhere`.
   */
  constructor(
    private readonly directories: readonly string[],
    where: readonly string[] = [],
  ) {
    this.choice = where.length === 0 ? null : parseWhere(where);
  }

  /**
   * @param changed Run directories that are read again; the others are as they were.
   * @returns The same object where nothing has changed.
   * @throws RethinkError (`interrupted`).
   */
  async look(
    changed: ReadonlySet<string> | 'all' = 'all',
    watching: Watching = {},
  ): Promise<FoundRuns> {
    const { paths, damaged } = await this.search(watching);
    const known = this.readers;
    this.readers = new Map();
    let done = 0;
    const amount = () => ({ done, total: paths.length, unit: 'runs' as const });
    const turn = takingTurns(watching, 'reading runs', amount);
    try {
      for (const path of paths) {
        await turn();
        done++;
        const before = known.get(path);
        if (before !== undefined && changed !== 'all' && !changed.has(path)) {
          this.readers.set(path, before);
        } else {
          const reader = before?.reader ?? new RunReader(path);
          this.readers.set(path, { reader, read: await reader.read() });
        }
      }
    } catch (error) {
      this.readers = known;
      throw error;
    }
    const runs: ReportRun[] = [];
    for (const { read } of this.readers.values()) {
      if (!this.isChosen(read)) continue;
      if ('problem' in read) damaged.push(read);
      else runs.push(read);
    }
    return this.keep({ runs, damaged });
  }

  private async search(watching: Watching): Promise<{ paths: string[]; damaged: DamagedRun[] }> {
    const folders = new Map<string, string[]>();
    const paths = new Set<string>();
    const damaged: DamagedRun[] = [];
    const list = (path: string) => {
      const { entries, problem } = this.listings.of(path, () => listed(path));
      folders.set(
        path,
        entries.map(({ name }) => name),
      );
      if (problem !== null) damaged.push({ path, problem });
      return entries;
    };
    for (const directory of this.directories) {
      const search = searchRunFolders([directory], list);
      const missing = tolerate((error) => {
        if (error.kind === 'interrupted') throw error;
        damaged.push({ path: directory, problem: error.message });
        return [];
      });
      const found = await inTurns(search, watching, 'looking for runs').catch(missing);
      for (const path of found) paths.add(path);
    }
    this.folders = folders;
    this.listings.keepOnly(new Set(folders.keys()));
    return { paths: [...paths].sort(), damaged };
  }

  private isChosen(read: ReportRun | DamagedRun): boolean {
    if (this.choice === null) return true;
    const known = this.chosen.get(read) ?? this.choice(readListed(read.path));
    this.chosen.set(read, known);
    return known;
  }

  private keep(now: FoundRuns): FoundRuns {
    const told = ({ damaged }: FoundRuns) =>
      damaged.map(({ path, problem }) => `${path} ${problem}`).join('\n');
    const { runs } = this.found;
    const same = runs.length === now.runs.length && runs.every((run, i) => run === now.runs[i]);
    if (!same || told(this.found) !== told(now)) this.found = now;
    return this.found;
  }
}

function listed(path: string): { entries: Dirent[]; problem: string | null } {
  try {
    return { entries: listFolder(path), problem: null };
  } catch (error) {
    // One that is gone by now isn't worth a word.
    const told = tolerate(({ message, cause }) => (errorCode(cause) === 'ENOENT' ? null : message));
    return { entries: [], problem: told(error) };
  }
}
