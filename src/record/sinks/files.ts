import { basename, dirname, join } from 'node:path';
import type { ColumnSource } from 'hyparquet-writer';
import { schemasAt } from '../../config/keys.js';
import { parsePath } from '../../config/problems.js';
import { ensureFolder, writeFileAtomic } from '../../disk/files.js';
import { isThere } from '../../disk/reading.js';
import { RethinkError, readOr } from '../../errors.js';
import { takingTurns, type Watching } from '../../progress.js';
import { EPOCH_COLUMNS, type StoredEpochRow } from '../../results/training.js';
import { requireFree } from '../export.js';
import { readMetrics } from '../rows.js';
import { readStatus } from '../status.js';
import { eventFileName, eventsOf } from '../tensorboard.js';
import { factsOf, flatConfig, momentOf } from './facts.js';
import type { Exported, FileSink } from './types.js';

/** Event files as TensorBoard reads them: a folder for each run, and in it one file, made anew from the run's rows. */
export const tensorboard: FileSink = {
  write: (runDirs, address, watching) =>
    eachRun(runDirs, watching, async (runDir) => {
      const rows = readMetrics(runDir);
      const { started } = await factsOf(runDir);
      const folder = join(address, basename(dirname(runDir)), basename(runDir));
      const name = eventFileName(Math.floor(started / 1000), 'rethink-gen', 'export');
      const path = join(folder, name);
      if (rows.length === 0) return { run_dir: runDir, rows: 0, before: 0, target: path };
      ensureFolder(folder, 'output');
      const bytes = eventsOf(rows, (row) => momentOf(started, row?.seconds));
      writeFileAtomic(path, bytes, 'output');
      return { run_dir: runDir, rows: rows.length, before: 0, target: path };
    }),
};

/** What a table of several runs tells them apart by, before their config. */
const RUN_COLUMNS = ['run', 'run_dir', 'state'];
/** Of these, Parquet's integers. */
const WHOLE_COLUMNS = ['epoch', 'step'];

/** One table of all rows of all runs: which run, its config, its metrics. */
export const parquet: FileSink = {
  write: async (runDirs, address, watching) => {
    requireFree(address);
    const runs: { shared: Record<string, unknown>; rows: StoredEpochRow[] }[] = [];
    const exported = await eachRun(runDirs, watching, async (runDir) => {
      const rows = readMetrics(runDir);
      const state = readOr(() => readStatus(runDir).state, null);
      const shared = {
        run: basename(runDir),
        run_dir: runDir,
        state,
        ...(await flatConfig(runDir)),
      };
      runs.push({ shared, rows });
      return { run_dir: runDir, rows: rows.length, before: 0, target: address };
    });
    const keys = new Set(runs.flatMap(({ shared }) => Object.keys(shared)));
    const configKeys = [...keys].filter((key) => !RUN_COLUMNS.includes(key));
    const written = EPOCH_COLUMNS.filter((name) =>
      runs.some(({ rows }) => rows.some((row) => row[name] !== undefined)),
    );
    const columns: ColumnSource[] = [
      ...[...RUN_COLUMNS, ...configKeys].map((name) => {
        const values = runs.map(({ shared }) => shared[name]);
        const { type, of } = columnType(name, values);
        const data = runs.flatMap(({ rows }, i) => {
          const value = values[i] ?? null;
          return rows.map(() => (value === null ? null : of(value)));
        });
        return { name, type, data };
      }),
      ...written.map((name): ColumnSource => {
        const values = runs.flatMap(({ rows }) => rows.map((row) => row[name] ?? null));
        if (!WHOLE_COLUMNS.includes(name)) return { name, type: 'DOUBLE', data: values };
        const data = values.map((value) => (value === null ? null : BigInt(value)));
        return { name, type: 'INT64', data };
      }),
    ];
    // Only here: nothing else of the command line writes such a file.
    const { parquetWriteBuffer } = await import('hyparquet-writer');
    if (columns[0]!.data.length === 0) {
      throw new RethinkError(
        'data',
        'None of these runs has a row yet: there is no table to write.',
      );
    }
    const folder = dirname(address);
    if (!isThere(folder)) ensureFolder(folder, 'output');
    writeFileAtomic(address, new Uint8Array(parquetWriteBuffer({ columnData: columns })), 'output');
    return exported;
  },
};

/** The type that all values of a column have, the same in every table where its key has one; text where they have several. */
function columnType(
  name: string,
  values: readonly unknown[],
): {
  type: 'BOOLEAN' | 'DOUBLE' | 'INT64' | 'STRING';
  of(value: unknown): unknown;
} {
  const given = values.filter((value) => value !== undefined && value !== null);
  const all = (is: (value: unknown) => boolean) => given.length > 0 && given.every(is);
  if (all((value) => typeof value === 'boolean')) return { type: 'BOOLEAN', of: (value) => value };
  const isWhole = schemasAt(parsePath(name)).some((schema) => schema.type === 'integer');
  if (isWhole && all(Number.isSafeInteger)) {
    return { type: 'INT64', of: (value) => BigInt(value as number) };
  }
  if (all((value) => typeof value === 'number')) return { type: 'DOUBLE', of: (value) => value };
  const text = (value: unknown) => (typeof value === 'string' ? value : JSON.stringify(value));
  return { type: 'STRING', of: text };
}

async function eachRun(
  runDirs: readonly string[],
  { signal, onProgress }: Watching,
  work: (runDir: string) => Promise<Exported>,
): Promise<Exported[]> {
  const exported: Exported[] = [];
  const total = runDirs.length;
  const turn = takingTurns({ signal, onProgress }, 'reading runs', () => ({
    done: exported.length,
    total,
    unit: 'runs',
  }));
  for (const runDir of runDirs) {
    await turn();
    exported.push(await work(runDir));
  }
  return exported;
}
