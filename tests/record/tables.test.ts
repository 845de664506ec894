import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { cutRecord } from '../../src/record/cut.js';
import { readMetrics, readSteps } from '../../src/record/rows.js';
import { RunDirectory } from '../../src/record/run-directory.js';
import { CsvTable } from '../../src/record/tables.js';
import { type EpochRow, epochColumns, STEP_COLUMNS } from '../../src/results/training.js';
import { temporaryFolder } from '../helpers/temporary-folder.js';
import { epochRow, META, stepRow, trainInto } from './fake-run.js';
import { errorOf } from './helpers.js';

const HASH = '0123456789';
const create = () => RunDirectory.create(temporaryFolder(), 'name', HASH, { config: {} });
const read = (directory: string, file: string) => readFileSync(join(directory, file), 'utf8');
const EPOCH_COLUMNS = epochColumns({ corruptedTestAccuracy: false, top5: false });
const options = {
  meta: META,
  steps: true,
  corruptedTestAccuracy: false,
  top5: false,
  tensorboard: false,
};

describe('metrics.csv', () => {
  it('has the columns of the design, in order, and no cell where nothing applies', () => {
    const directory = create();
    directory.recorder(options).epoch(epochRow(1));
    directory.close('finished');
    const [header, row, rest] = read(directory.path, 'metrics.csv').split('\n');
    expect(header).toBe(
      'epoch,step,seconds,images_per_second,learning_rate,train_loss,train_accuracy,test_loss,test_accuracy,generalization_gap,true_label_accuracy,corrupted_accuracy,clean_accuracy,weight_norm',
    );
    const cells = row!.split(',');
    expect(cells[EPOCH_COLUMNS.indexOf('corrupted_accuracy')]).toBe('');
    expect(Number(cells[EPOCH_COLUMNS.indexOf('seconds')])).toBe(1 / 3);
    expect(Number(cells[EPOCH_COLUMNS.indexOf('test_loss')])).toBe(Number.MIN_VALUE);
    expect(Number(cells[EPOCH_COLUMNS.indexOf('weight_norm')])).toBe(1e21 / 3);
    expect(rest).toBe('');
  });

  it('has one more column on request, and keeps its columns when the run is resumed without', async () => {
    const directory = create();
    const on = { ...options, corruptedTestAccuracy: true };
    directory.recorder(on).epoch({ ...epochRow(1), corrupted_test_accuracy: 0.25 });
    directory.close('interrupted');
    const again = await RunDirectory.open(directory.path);
    again.recorder(options).epoch(epochRow(2));
    again.close('finished');
    const lines = read(directory.path, 'metrics.csv').trim().split('\n');
    expect(lines[0]).toMatch(/,weight_norm,corrupted_test_accuracy$/);
    expect(lines[1]).toMatch(/,0.25$/);
    expect(lines.map((line) => line.split(',').length)).toEqual([15, 15, 15]);
    expect(readMetrics(directory.path)[0]?.corrupted_test_accuracy).toBe(0.25);
  });

  it('appends top-5 and best-so-far accuracies on request, behind all others', () => {
    const directory = create();
    const top5 = {
      train_top5_accuracy: 0.5,
      test_top5_accuracy: 0.25,
      best_test_accuracy: 0.125,
      best_test_top5_accuracy: 0.75,
    };
    const row = { ...epochRow(1), corrupted_test_accuracy: 1, ...top5 };
    directory.recorder({ ...options, corruptedTestAccuracy: true, top5: true }).epoch(row);
    directory.close('finished');
    const [header, line] = read(directory.path, 'metrics.csv').split('\n');
    expect(header).toMatch(
      /,weight_norm,corrupted_test_accuracy,train_top5_accuracy,test_top5_accuracy,best_test_accuracy,best_test_top5_accuracy$/,
    );
    expect(line).toMatch(/,1,0.5,0.25,0.125,0.75$/);
    expect(readMetrics(directory.path)).toEqual([row]);
  });

  it('writes what is not finite so that it reads back', () => {
    const directory = create();
    const row: EpochRow = { ...epochRow(1), train_loss: Number.NaN, test_loss: Infinity };
    row.weight_norm = -Infinity;
    directory.recorder(options).epoch(row);
    directory.close('diverged');
    expect(read(directory.path, 'metrics.csv')).toMatch(/,NaN,.*,Infinity,.*,-Infinity\n$/);
    expect(read(directory.path, 'metrics.jsonl')).toContain('"train_loss":"NaN"');
    expect(read(directory.path, 'metrics.jsonl')).toContain('"corrupted_accuracy":null');
    expect(readMetrics(directory.path)).toEqual([row]);
  });
});

describe('steps.csv', () => {
  it('has a row a step, that reads back as the same bits', () => {
    const directory = create();
    const recorder = directory.recorder(options);
    recorder.steps([stepRow(1), stepRow(2)]);
    recorder.steps([]);
    recorder.steps([{ ...stepRow(3), loss: Number.NaN }]);
    directory.close('finished');
    expect(read(directory.path, 'steps.csv')).toMatch(
      /^step,epoch,learning_rate,loss,accuracy\n1,1,/,
    );
    expect(readSteps(directory.path)).toEqual([
      stepRow(1),
      stepRow(2),
      { ...stepRow(3), loss: Number.NaN },
    ]);
  });

  it('is not there where it is not wanted', () => {
    const directory = create();
    directory.recorder({ ...options, steps: false }).steps([stepRow(1)]);
    directory.close('finished');
    expect(readSteps(directory.path)).toEqual([]);
    expect(() => read(directory.path, 'steps.csv')).toThrow('ENOENT');
  });
});

describe('CsvTable', () => {
  it.each([
    ['step,\u0000,loss', 'a column "\\u0000"'],
    ['step,Loss', 'a column "Loss"'],
    ['step,,loss', 'a column ""'],
    ['step,loss,step', 'twice a column "step"'],
  ])('refuses to go on with a file that is no table: %j', (header, what) => {
    const path = join(temporaryFolder(), 'steps.csv');
    writeFileSync(path, `${header}\n`);
    const error = errorOf(() => new CsvTable(path, STEP_COLUMNS));
    expect(error.message).toBe(`${path} is damaged: it has ${what}.`);
  });

  it('makes the header anew where there is none in full', () => {
    const path = join(temporaryFolder(), 'steps.csv');
    writeFileSync(path, 'step,epo');
    new CsvTable(path, STEP_COLUMNS).append([stepRow(1)]);
    expect(readFileSync(path, 'utf8').split('\n')[0]).toBe(STEP_COLUMNS.join(','));
  });
});

describe('cutRecord', () => {
  /** A finished run of 2 epochs of 3 steps. */
  function finished(): string {
    const directory = create();
    trainInto(directory);
    return directory.path;
  }

  it('cuts rows past the checkpoint and keeps those up to it', () => {
    const path = finished();
    expect(cutRecord(path, { epoch: 1, step: 4, last: { epoch: 1 } })).toEqual([]);
    expect(readMetrics(path).map(({ epoch }) => epoch)).toEqual([1]);
    expect(read(path, 'metrics.csv').trim().split('\n')).toHaveLength(2);
    expect(readSteps(path).map(({ step }) => step)).toEqual([1, 2, 3, 4]);
  });

  it('leaves the headers of a run that starts over', () => {
    const path = finished();
    expect(cutRecord(path, { epoch: 0, step: 0, last: null })).toEqual([]);
    expect(read(path, 'metrics.csv')).toBe(`${EPOCH_COLUMNS.join(',')}\n`);
    expect(read(path, 'steps.csv')).toBe(`${STEP_COLUMNS.join(',')}\n`);
    expect(read(path, 'metrics.jsonl')).toBe('');
  });

  it('cuts a torn last line wherever it was torn', () => {
    const path = finished();
    const whole = read(path, 'metrics.jsonl');
    const first = whole.indexOf('\n') + 1;
    for (let size = first; size < whole.length; size++) {
      writeFileSync(join(path, 'metrics.jsonl'), whole.slice(0, size));
      expect(readMetrics(path)).toHaveLength(1);
      cutRecord(path, { epoch: 1, step: 3, last: { epoch: 1 } });
      expect(read(path, 'metrics.jsonl')).toBe(whole.slice(0, first));
    }
  });

  it('says which rows should have been there', () => {
    const path = finished();
    const lines = read(path, 'steps.csv').split('\n');
    lines[3] = '\0\0\0';
    writeFileSync(join(path, 'steps.csv'), lines.join('\n'));
    const [row] = read(path, 'metrics.jsonl').split('\n');
    writeFileSync(join(path, 'metrics.jsonl'), `${row}\nnull\n`);
    expect(cutRecord(path, { epoch: 2, step: 6, last: { epoch: 2 } })).toEqual([
      `${join(path, 'metrics.jsonl')} lost rows: it ends at 1, and the checkpoint was made at 2.`,
      `${join(path, 'steps.csv')} lost rows: it ends at 2, and the checkpoint was made at 6.`,
    ]);
    expect(readSteps(path)).toHaveLength(2);
  });

  it('copes with more rows than a block of the reader', () => {
    const directory = create();
    const recorder = directory.recorder(options);
    const rows = Array.from({ length: 20_000 }, (_, i) => stepRow(i + 1));
    recorder.steps(rows);
    directory.close('finished');
    expect(readSteps(directory.path)).toEqual(rows);
    cutRecord(directory.path, { epoch: 0, step: 12_345, last: null });
    expect(readSteps(directory.path)).toEqual(rows.slice(0, 12_345));
  });
});
