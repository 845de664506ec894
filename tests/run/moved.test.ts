import { cpSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeAll, describe, expect, it } from 'vitest';
import { main } from '../../src/cli/index.js';
import { loadExperiment } from '../../src/config/experiment.js';
import { parseMoves } from '../../src/config/places.js';
import { readResult } from '../../src/record/runs.js';
import { evaluateRun } from '../../src/run/evaluate.js';
import { resumeRun, runExperiment } from '../../src/run/index.js';
import { readSweep } from '../../src/sweep/directory.js';
import { Captured } from '../cli/helpers.js';
import { failure, writeSixImages } from '../data/helpers.js';
import { temporaryFolder } from '../helpers/temporary-folder.js';

const start = process.cwd();
afterEach(() => process.chdir(start));

/** Images, labels and a matrix as they lie in a folder, whichever it is. */
async function lay(folder: string, red = 0): Promise<void> {
  await writeSixImages(join(folder, 'base'), red);
  writeFileSync(join(folder, 'labels.txt'), '0\n1\n1\n0\n');
  writeFileSync(join(folder, 'matrix.json'), '[[0.5, 0.5], [0.5, 0.5]]');
}

const CONFIG = {
  name: 'moved',
  data: { name: 'imagetree', dir: 'base', size: 8, crop: 8 },
  corruption: { kind: 'label-file', file: 'labels.txt' },
  loss: { correction: 'forward', transition: 'file', file: 'matrix.json' },
  model: { name: 'mlp', hidden: [4] },
  train: { epochs: 3, batchSize: 4, stop: 'never' },
  engine: { name: 'wasm' },
  record: { tensorboard: false },
};

/** An interrupted run, started in a folder with relative paths. */
async function interrupted(folder: string): Promise<string> {
  process.chdir(folder);
  const { trials } = await loadExperiment(CONFIG);
  const controller = new AbortController();
  const { runDir } = await runExperiment(trials[0]!.config, {
    out: 'results',
    events: { epoch: () => controller.abort(new DOMException('SIGTERM', 'AbortError')) },
    signal: controller.signal,
  });
  return runDir;
}

let folder = '';
let runDir = '';
let whole: string[];
/** Rows without what a clock decides. */
const rows = (path: string) =>
  readFileSync(join(path, 'metrics.csv'), 'utf8')
    .trim()
    .split('\n')
    .map((line) => line.split(',').toSpliced(2, 2).join(','));

beforeAll(async () => {
  folder = temporaryFolder();
  await lay(folder);
  runDir = await interrupted(folder);
  const { trials } = await loadExperiment(CONFIG);
  whole = rows((await runExperiment(trials[0]!.config, { out: 'whole' })).runDir);
  process.chdir(start);
});

/** A copy of the run and of its data, with some of the latter elsewhere. */
function copy(moved: Record<string, string> = {}) {
  const root = temporaryFolder();
  cpSync(folder, root, { recursive: true });
  const run = join(root, 'run');
  cpSync(runDir, run, { recursive: true });
  const origin = join(run, 'origin.json');
  writeFileSync(origin, readFileSync(origin, 'utf8').replaceAll(folder, root));
  for (const [from, to] of Object.entries(moved)) {
    mkdirSync(join(root, to, '..'), { recursive: true });
    renameSync(join(root, from), join(root, to));
  }
  return { root, run, config: join(run, 'config.json') };
}

const edited = (path: string, change: (text: string) => string) =>
  writeFileSync(path, change(readFileSync(path, 'utf8')));

describe('a run whose paths are relative', () => {
  it('is resumed and evaluated from any folder', async () => {
    const { run } = copy();
    process.chdir(temporaryFolder());
    await resumeRun(run);
    expect(rows(run)).toEqual(whole);
    expect((await evaluateRun(run)).train.count).toBe(4);
  });
});

const ELSEWHERE = { base: 'new/base2', 'labels.txt': 'new/l.txt', 'matrix.json': 'new/m.json' };
const MOVES = ['data.dir=new/base2', 'corruption.file=new/l.txt', 'loss.file=new/m.json'];

describe('a run whose data was moved', () => {
  it.each([
    ['by the name of the only file', MOVES],
    ['by its place in the list', MOVES.map((move) => move.replace('corruption', 'corruption.0'))],
  ])('is told where it lies now, %s, and remembers it', async (_how, moves) => {
    const { root, run } = copy(ELSEWHERE);
    const before = readFileSync(join(run, 'config.json'), 'utf8');
    process.chdir(root);
    const controller = new AbortController();
    await resumeRun(run, {
      moves: parseMoves(moves),
      events: { epoch: () => controller.abort() },
      signal: controller.signal,
    });
    process.chdir(temporaryFolder());
    const { result } = await resumeRun(run);
    expect(rows(run)).toEqual(whole);
    // It is the same experiment as before, by its config and hash.
    expect(readFileSync(join(run, 'config.json'), 'utf8')).toBe(before);
    expect(result.config_hash).toBe(readResult(runDir)!.config_hash);
    expect((await evaluateRun(run)).train.count).toBe(4);
  });

  it('is resumed where its config.json was edited, relative or not', async () => {
    const { root, run, config } = copy(ELSEWHERE);
    edited(config, (text) =>
      text
        .replace('"base"', '"new/base2"')
        .replace('labels.txt', join(root, 'new/l.txt'))
        .replace('matrix.json', 'new/m.json'),
    );
    process.chdir(temporaryFolder());
    await resumeRun(run);
    expect(rows(run)).toEqual(whole);
  });

  it.each([
    ['data', (root: string) => lay(root, 5)],
    ['corruption', async (root: string) => writeFileSync(join(root, 'labels.txt'), '1\n1\n1\n0\n')],
  ])('is refused where there is other %s', async (what, change) => {
    const { root, run } = copy();
    const other = join(root, 'other');
    mkdirSync(other);
    await lay(other);
    await change(other);
    const moves = parseMoves([`data.dir=${other}/base`, `corruption.file=${other}/labels.txt`]);
    const error = await failure(() => resumeRun(run, { moves }));
    expect(error.message).toContain(`its ${what} is not the one it was started with`);
    // Nothing was remembered.
    await resumeRun(run);
    expect(rows(run)).toEqual(whole);
  });

  it('names what else was changed in its config.json', async () => {
    const { run, config } = copy();
    edited(config, (text) => text.replace('"batchSize": 4', '"batchSize": 2'));
    const error = await failure(() => resumeRun(run));
    expect([error.kind, error.message]).toEqual([
      'data',
      expect.stringContaining('(train.batchSize was 4 (number), is 2 (number))'),
    ]);
  });

  it.each([
    ['train.batchSize=2', 'train.batchSize'],
    ['train.epochs=9', 'train.epochs'],
    ['data.limit=2', 'data.limit'],
    ['corruption=none', 'corruption'],
  ])('takes nothing but places: %s', (text, key) => {
    expect(() => parseMoves([text])).toThrow(
      `${key} can't be given to a run, which has its own config.`,
    );
  });

  it('of an earlier version is resumed as well', async () => {
    const { root, run } = copy();
    rmSync(join(run, 'origin.json'));
    process.chdir(root);
    await resumeRun(run);
    expect(rows(run)).toEqual(whole);
    const moved = copy(ELSEWHERE);
    rmSync(join(moved.run, 'origin.json'));
    process.chdir(moved.root);
    await resumeRun(moved.run, { moves: parseMoves(MOVES) });
    expect(rows(moved.run)).toEqual(whole);
  });
});

describe('a sweep whose data was moved', () => {
  const cli = (argv: string[]) =>
    main([...argv, '--quiet'], { stdout: new Captured(), stderr: new Captured(), env: {} });

  it('is resumed from another folder with the new place for all its trials', async () => {
    const root = temporaryFolder();
    await lay(root);
    process.chdir(root);
    const { loss: _, ...config } = CONFIG;
    writeFileSync('s.json', JSON.stringify({ ...config, sweep: { seeds: 2 } }));
    expect(await cli(['run', 's.json', '--max-trials', '1'])).toBe(0);
    renameSync('base', 'base2');
    const sweep = join(root, 'results/moved');
    expect(await cli(['resume', sweep, `data.dir=${root}/base2`, 'loss.file=x'])).toBe(2);
    process.chdir(temporaryFolder());
    expect(await cli(['resume', sweep])).not.toBe(0);
    expect(await cli(['resume', sweep, `data.dir=${root}/base2`])).toBe(0);
    const { trials, origin } = await readSweep(sweep);
    expect(trials.map(({ config: { data } }) => data.dir)).toEqual(['base', 'base']);
    expect(origin?.moved['data.dir']).toEqual({ from: 'base', to: join(root, 'base2') });
  });
});
