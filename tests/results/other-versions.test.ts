import { cpSync, existsSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { loadExperiment } from '../../src/config/experiment.js';
import { RethinkError } from '../../src/errors.js';
import { loadCheckpoint } from '../../src/record/checkpoint.js';
import { readMetrics, readSteps } from '../../src/record/rows.js';
import { readResult, readTheoryResult } from '../../src/record/runs.js';
import { readStatus } from '../../src/record/status.js';
import { writeReport } from '../../src/report/index.js';
import { readRuns } from '../../src/report/runs.js';
import { resumeRun, runExperiment } from '../../src/run/index.js';
import { temporaryFolder } from '../helpers/temporary-folder.js';
import { anatomy, forge } from '../record/forge.js';

type Json = Record<string, unknown>;

const root = temporaryFolder();

async function run(name: string, more: object, stopAfter?: number): Promise<string> {
  const { trials } = await loadExperiment({
    name,
    data: { name: 'synthetic', limit: 40, testLimit: 20 },
    corruption: 'random-labels',
    model: { name: 'mlp', hidden: [4] },
    train: { epochs: 3, batchSize: 20, stop: 'never' },
    record: { top5: true, corruptedTestAccuracy: true },
    engine: { name: 'wasm' },
    ...more,
  });
  const controller = new AbortController();
  const epoch = (row: { epoch: number }) => row.epoch === stopAfter && controller.abort();
  const options = { out: join(root, 'runs'), events: { epoch }, signal: controller.signal };
  return (await runExperiment(trials[0]!.config, options)).runDir;
}

let finished: string;
let interrupted: string;
let theory: string;
beforeAll(async () => {
  finished = await run('finished', {});
  interrupted = await run('interrupted', {}, 2);
  theory = await run('theory', { experiment: 'linear', theory: { steps: 10 } });
});

let copies = 0;
function copyOf(runDir: string, below = 'copies'): string {
  const copy = join(root, below, `${++copies}`);
  cpSync(runDir, copy, { recursive: true });
  return copy;
}

/** Every key of an object and of those within it, as paths; lists are left out. */
function pathsOf(value: unknown, path: string[] = []): string[][] {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return [];
  return Object.entries(value).flatMap(([key, inner]) => [
    [...path, key],
    ...pathsOf(inner, [...path, key]),
  ]);
}

function without(value: Json, [key, ...rest]: string[]): Json {
  const { [key!]: inner, ...others } = value;
  return rest.length === 0 ? others : { ...value, [key!]: without(inner as Json, rest) };
}

/** The value with one more key in it and in each object within it. */
function withMore(value: unknown): unknown {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return value;
  const inner = Object.entries(value).map(([key, of]) => [key, withMore(of)]);
  return { ...Object.fromEntries(inner), of_a_later_version: 'more' };
}

function edit(path: string, change: (value: Json) => unknown): void {
  writeFileSync(path, JSON.stringify(change(JSON.parse(readFileSync(path, 'utf8')))));
}

function editLines(path: string, change: (row: Json) => unknown): void {
  const lines = readFileSync(path, 'utf8').trim().split('\n');
  const edited = lines.map((line) => `${JSON.stringify(change(JSON.parse(line)))}\n`);
  writeFileSync(path, edited.join(''));
}

/** Drops a column of a CSV file, or appends one. */
function editCsv(path: string, column: string | null): void {
  const [header, ...rows] = readFileSync(path, 'utf8').trim().split('\n');
  const at = header!.split(',').indexOf(column ?? '');
  const cells = (line: string, added: string) =>
    (column === null ? [...line.split(','), added] : line.split(',').toSpliced(at, 1)).join(',');
  const lines = [cells(header!, 'of_a_later_version'), ...rows.map((line) => cells(line, '7'))];
  writeFileSync(path, `${lines.join('\n')}\n`);
}

/** Puts other progress or other conditions into a checkpoint, with a digest that fits. */
function editCheckpoint(runDir: string, part: 'progress' | 'meta', change: (of: Json) => unknown) {
  const path = join(runDir, 'checkpoints/last.safetensors');
  const { header, data } = anatomy(readFileSync(path));
  const changed = JSON.stringify(change(JSON.parse(header.__metadata__[part])));
  forge(path, { ...header, __metadata__: { ...header.__metadata__, [part]: changed } }, data);
}

/** Steps, losses and accuracies by epoch: rows without what a clock decides. */
function rows(runDir: string) {
  return readMetrics(runDir).map(
    ({ seconds: _seconds, images_per_second: _rate, ...row }) => row as Json,
  );
}

const JSON_FILES = ['result.json', 'status.json', 'environment.json'] as const;
/** Without these a file says nothing. */
const NEEDED = ['outcome', 'state', 'epoch', 'step', 'experiment'];

describe('files with more keys than this version knows', () => {
  it('are reported without a word', async () => {
    for (const source of [finished, theory]) {
      const copy = copyOf(source, 'more');
      for (const file of JSON_FILES) edit(join(copy, file), withMore);
      if (source === theory) continue;
      editLines(join(copy, 'metrics.jsonl'), withMore);
      editCsv(join(copy, 'metrics.csv'), null);
      editCsv(join(copy, 'steps.csv'), null);
    }
    const { runs, damaged } = await readRuns([join(root, 'more')]);
    expect(damaged).toEqual([]);
    expect(runs.map(({ problems }) => problems)).toEqual([[], []]);
    expect(runs[0]!.result).toMatchObject({ outcome: 'finished', of_a_later_version: 'more' });
    expect(runs[0]!.metrics).toHaveLength(3);
    expect(readSteps(runs[0]!.path)).toEqual(readSteps(finished));
    expect((await writeReport([join(root, 'more')])).damaged).toBe(0);
  });

  it('are resumed to the same rows, and metrics.csv keeps its shape', async () => {
    const copy = copyOf(interrupted);
    for (const file of JSON_FILES) edit(join(copy, file), withMore);
    editLines(join(copy, 'metrics.jsonl'), withMore);
    for (const table of ['metrics.csv', 'steps.csv']) editCsv(join(copy, table), null);
    editCheckpoint(copy, 'progress', withMore);
    editCheckpoint(copy, 'meta', withMore);
    await resumeRun(copy);
    const strip = (row: Json) => without(row, ['of_a_later_version']);
    expect(rows(copy).map(strip)).toEqual(rows(finished));
    const csv = readFileSync(join(copy, 'metrics.csv'), 'utf8').trim().split('\n');
    expect(csv[0]).toMatch(/,of_a_later_version$/);
    expect(csv[2]).toMatch(/,7$/);
    expect(csv[3]).toMatch(/[0-9],$/);
    expect(new Set(csv.map((line) => line.split(',').length)).size).toBe(1);
    expect(
      loadCheckpoint(join(copy, 'checkpoints/last.safetensors')).checkpoint.progress.epoch,
    ).toBe(3);
  });
});

describe('files with fewer keys than this version knows', () => {
  it('are reported, each with a sentence about the key, whichever it is', async () => {
    const removed: [copy: string, file: string, key: string, needed: boolean][] = [];
    for (const source of [finished, theory]) {
      for (const file of JSON_FILES) {
        const whole = JSON.parse(readFileSync(join(source, file), 'utf8')) as Json;
        for (const path of pathsOf(whole)) {
          const copy = copyOf(source, 'fewer');
          rmSync(join(copy, 'checkpoints'), { recursive: true });
          edit(join(copy, file), (value) => without(value, path));
          removed.push([copy, file, path.join('.'), NEEDED.includes(path.at(-1)!)]);
        }
      }
    }
    for (const column of Object.keys(readMetrics(finished)[0]!)) {
      const copy = copyOf(finished, 'fewer');
      editLines(join(copy, 'metrics.jsonl'), (row) => without(row, [column]));
      removed.push([copy, 'metrics.jsonl', column, NEEDED.includes(column)]);
    }
    for (const column of Object.keys(readSteps(finished)[0]!)) {
      const copy = copyOf(finished, 'fewer');
      editCsv(join(copy, 'steps.csv'), column);
      removed.push([copy, 'steps.csv', column, false]);
    }
    const { runs, damaged } = await readRuns([join(root, 'fewer')]);
    expect(damaged).toEqual([]);
    expect(runs).toHaveLength(removed.length);
    const byPath = new Map(runs.map((given) => [given.path, given]));
    const told = removed.map(([copy, file, key]) => {
      const problems = byPath.get(copy)!.problems;
      const named = problems.filter(
        (text) => text.includes(file) && text.includes(key.split('.').at(-1)!),
      );
      return [file, key, problems.length, named.length];
    });
    // What a report never shows, and what may be absent by right, is not missed.
    const silent = told
      .filter(([, , problems]) => problems === 0)
      .map(([file, key]) => `${file} ${key}`);
    const optional = /threads$|_top5_accuracy$|best_test_accuracy$|corrupted_test_accuracy$/;
    expect(
      silent.filter((text) => !text.startsWith('environment.json') && !optional.test(text)),
    ).toEqual([]);
    expect(told.filter(([, , problems, named]) => problems !== named)).toEqual([]);
    const page = readFileSync((await writeReport([join(root, 'fewer')])).page, 'utf8');
    // The page's own script may say it.
    const shown = page.replace(/<script type="module">.*?<\/script>/gs, '');
    expect(shown).not.toMatch(/\bundefined\b|\bNaN\b/);
  }, 300_000);

  it('are read by the library, which can hear what is missing', () => {
    const copy = copyOf(finished);
    edit(join(copy, 'result.json'), (value) => without(value, ['data', 'classes']));
    editLines(join(copy, 'metrics.jsonl'), (row) => without(row, ['weight_norm']));
    editCsv(join(copy, 'steps.csv'), 'loss');
    edit(join(copy, 'status.json'), (value) => without(value, ['heartbeat']));
    const told: string[] = [];
    const tell = (sentence: string) => told.push(sentence);
    expect(readResult(copy, tell)!.data!.classes).toBeUndefined();
    expect(readMetrics(copy, tell)).toHaveLength(3);
    expect(readSteps(copy, tell)[0]!.loss).toBeUndefined();
    readStatus(copy, tell);
    const by = 'another version of rethink-gen wrote it.';
    expect(told).toEqual([
      `${join(copy, 'result.json')} has no data.classes: ${by}`,
      `${join(copy, 'metrics.jsonl')} has no weight_norm: ${by}`,
      `${join(copy, 'steps.csv')} has no loss: ${by}`,
      `${join(copy, 'status.json')} has no heartbeat: ${by}`,
    ]);
    expect(() => readTheoryResult(copy)).toThrow(RethinkError);
    expect(() => readResult(theory)).toThrow('experiment: this is no training');
  });

  async function resumed(runDir: string) {
    const notes: string[] = [];
    try {
      await resumeRun(runDir, { events: { note: (text) => notes.push(text) } });
      return { notes, error: null };
    } catch (error) {
      if (!(error instanceof RethinkError)) throw error;
      return { notes, error };
    }
  }

  it('are resumed from a checkpoint, or a sentence says what no run goes on without', async () => {
    const { checkpoint, meta } = loadCheckpoint(join(interrupted, 'checkpoints/last.safetensors'));
    const parts = [
      ...Object.keys(checkpoint.progress).map((key) => ['progress', key] as const),
      ...Object.keys(meta).map((key) => ['meta', key] as const),
    ];
    const needed = ['epoch', 'step', 'fittedInARow', 'best', 'last'];
    needed.push('configHash', 'dataHash', 'corruptionHash');
    const spared = copyOf(interrupted);
    for (const [part, key] of parts) {
      if (!needed.includes(key)) {
        editCheckpoint(spared, part, (value) => without(value, [key]));
        continue;
      }
      const copy = copyOf(interrupted);
      editCheckpoint(copy, part, (value) => without(value, [key]));
      const before = readFileSync(join(copy, 'metrics.csv'), 'utf8');
      const { error } = await resumed(copy);
      expect(error?.kind).toBe('data');
      expect(error?.message).toMatch(`(${part}) is damaged: ${key}: it is missing`);
      expect(readFileSync(join(copy, 'metrics.csv'), 'utf8')).toBe(before);
    }
    const { notes, error } = await resumed(spared);
    expect(error).toBeNull();
    expect(rows(spared)).toEqual(rows(finished));
    expect(notes.join('\n')).toContain(
      '(progress) has no seconds, reached, trainSeconds, trainImages: another version',
    );
    // Early versions had no resumeHash: that is no news.
    expect(notes.join('\n')).toContain('(meta) has no version, seeds: another version');
  }, 120_000);

  it('are resumed with tables of fewer columns, which keep their shape', async () => {
    const copy = copyOf(interrupted);
    editCsv(join(copy, 'metrics.csv'), 'weight_norm');
    editCsv(join(copy, 'steps.csv'), 'loss');
    editLines(join(copy, 'metrics.jsonl'), (row) => without(row, ['weight_norm']));
    for (const row of ['best', 'last']) {
      editCheckpoint(copy, 'progress', (value) => without(value, [row, 'weight_norm']));
    }
    for (const file of ['result.json', 'environment.json']) rmSync(join(copy, file));
    const { notes, error } = await resumed(copy);
    expect(error).toBeNull();
    expect(notes.join('\n')).toContain('metrics.csv has no weight_norm: ');
    expect(notes.join('\n')).toContain('steps.csv has no loss: ');
    expect(notes.join('\n')).toContain('(progress) has no best.weight_norm, last.weight_norm: ');
    const [older, ...newer] = rows(copy).toReversed();
    expect(older).toEqual(rows(finished).at(-1));
    expect(newer.every((row) => !('weight_norm' in row))).toBe(true);
    for (const table of ['metrics.csv', 'steps.csv']) {
      const lines = readFileSync(join(copy, table), 'utf8').trim().split('\n');
      expect(new Set(lines.map((line) => line.split(',').length)).size).toBe(1);
      expect(lines[0]).not.toMatch(/weight_norm|loss$/);
    }
    expect(existsSync(join(copy, 'result.json'))).toBe(true);
  });

  it.each([
    ['metrics.csv', 'epoch'],
    ['steps.csv', 'step'],
  ])('are not cut blindly where %s has no %s', async (table, key) => {
    const copy = copyOf(interrupted);
    editCsv(join(copy, table), key);
    const before = readFileSync(join(copy, table), 'utf8');
    const { error } = await resumed(copy);
    expect(error?.kind).toBe('data');
    expect(error?.message).toContain(`${join(copy, table)} is damaged: it has no column ${key}`);
    expect(readFileSync(join(copy, table), 'utf8')).toBe(before);
  });

  it.each(['result.json', 'status.json'])(
    'are known as finished without a key of %s',
    async (file) => {
      for (const key of Object.keys(JSON.parse(readFileSync(join(finished, file), 'utf8')))) {
        const copy = copyOf(finished);
        edit(join(copy, file), (value) => without(value, [key]));
        const { notes, error } = await resumed(copy);
        if (key === 'outcome') expect(error?.message).toContain('outcome: it is missing');
        else expect(notes.at(-1)).toContain('is finished: there is nothing to resume');
      }
    },
    120_000,
  );
});
