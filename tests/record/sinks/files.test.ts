import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { parquetMetadata, parquetReadObjects } from 'hyparquet';
import { describe, expect, it } from 'vitest';
import { exportRuns } from '../../../src/record/sinks/index.js';
import { temporaryFolder } from '../../helpers/temporary-folder.js';
import { readEvents } from '../events.js';
import { epochRow } from '../fake-run.js';
import { rejectionOf } from '../helpers.js';
import { finishedRun, redo, rowsOf } from './made-runs.js';

const noTemporaryFiles = (folder: string) =>
  expect(readdirSync(folder).filter((name) => name.startsWith('.'))).toEqual([]);

describe('parquet', () => {
  const to = (address: string) => ({ kind: 'parquet', address }) as const;

  it('is one table of all rows of all runs, with types', async () => {
    const root = temporaryFolder();
    const rows = [{ ...epochRow(1), train_loss: Number.NaN }, epochRow(2)];
    const runs = [
      finishedRun(root, rows, { seed: 1, model: { name: 'mlp', hidden: [64] } }),
      finishedRun(root, rowsOf(1, 3), {
        seed: 2,
        corruption: { kind: 'partial-labels', fraction: 1 },
      }),
    ];
    const path = join(root, 'deep', 'all.parquet');
    const exported = await exportRuns(runs, to(path));
    expect(exported.map((run) => run.rows)).toEqual([2, 3]);
    const bytes = readFileSync(path);
    const file = bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.byteLength);
    const read = await parquetReadObjects({ file: file as ArrayBuffer });
    expect(read).toHaveLength(5);
    expect(read[0]).toMatchObject({
      run_dir: runs[0],
      state: 'finished',
      seed: 1n,
      epoch: 1n,
      step: 3n,
      train_loss: Number.NaN,
      'model.hidden': '[64]',
      'corruption.0.fraction': null,
      corrupted_accuracy: null,
    });
    expect(read[4]).toMatchObject({
      run_dir: runs[1],
      seed: 2n,
      epoch: 3n,
      'corruption.0.kind': 'partial-labels',
      'corruption.0.fraction': 1,
      'train.momentum': 0.9,
      'record.steps': true,
      weight_norm: epochRow(3).weight_norm,
    });
    const { schema } = parquetMetadata(file as ArrayBuffer);
    const types = Object.fromEntries(schema.map(({ name, type }) => [name, type]));
    // Where all values happen to be whole, too.
    expect(types).toMatchObject({ 'corruption.0.fraction': 'DOUBLE', 'train.epochs': 'INT64' });
    noTemporaryFiles(join(root, 'deep'));
  });

  it('replaces no file, and is none without rows or with a damaged run', async () => {
    const root = temporaryFolder();
    const run = finishedRun(root, rowsOf(1, 1));
    const taken = join(root, 'taken');
    writeFileSync(taken, 'mine');
    expect((await rejectionOf(exportRuns([run], to(taken)))).message).toContain('exists already');
    expect(readFileSync(taken, 'utf8')).toBe('mine');
    writeFileSync(join(run, 'metrics.jsonl'), '');
    const path = join(root, 'x.parquet');
    expect((await rejectionOf(exportRuns([run], to(path)))).message).toContain('no table to write');
    writeFileSync(join(run, 'metrics.jsonl'), '{"epoch":"x"}\n');
    expect((await rejectionOf(exportRuns([run], to(path)))).kind).toBe('data');
    expect(readdirSync(root)).not.toContain('x.parquet');
  });
});

describe('tensorboard', () => {
  it('is a file for each run, made anew from its rows, byte for byte the same', async () => {
    const root = temporaryFolder();
    const run = finishedRun(root, rowsOf(1, 3));
    const folder = join(root, 'events');
    mkdirSync(folder);
    const to = { kind: 'tensorboard', address: folder } as const;
    const [first] = await exportRuns([run], to);
    const before = readFileSync(first!.target);
    expect(readEvents(before).map(({ step }) => step)).toEqual([0, 3, 6, 9]);
    const [second] = await exportRuns([run], to);
    expect(second).toEqual(first);
    expect(readFileSync(first!.target)).toEqual(before);
    // A run that went on is the same file again, and no row stands there twice.
    await redo(run, 2, rowsOf(3, 5));
    await exportRuns([run], to);
    expect(readEvents(readFileSync(first!.target)).map(({ step }) => step)).toEqual([
      0, 3, 6, 9, 12, 15,
    ]);
    const written = readdirSync(folder, { recursive: true, withFileTypes: true });
    expect(written.filter((entry) => entry.isFile())).toHaveLength(1);
  });

  it('has no experiments', async () => {
    const to = { kind: 'tensorboard', address: temporaryFolder() } as const;
    const error = await rejectionOf(exportRuns([], to, { experiment: 'x' }));
    expect(error.message).toBe('TensorBoard has no experiments: --experiment is for trackers.');
  });
});
