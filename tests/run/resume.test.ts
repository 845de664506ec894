import { cpSync, existsSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { loadExperiment } from '../../src/config/experiment.js';
import type { RethinkError } from '../../src/errors.js';
import { checkpointPath, loadCheckpoint } from '../../src/record/checkpoint.js';
import { readStatus } from '../../src/record/status.js';
import type { RunResult } from '../../src/results/training.js';
import { resumeRun, runExperiment } from '../../src/run/index.js';
import { failure, plain, write, writeSixImages } from '../data/helpers.js';
import { sameBits } from '../engines/fixture.js';
import { temporaryFolder } from '../helpers/temporary-folder.js';
import { anatomy } from '../record/forge.js';

/** Edits a JSON file as a person would: the one key of the one section. */
function edit(path: string, section: string, key: string, value: unknown): void {
  const content = JSON.parse(readFileSync(path, 'utf8')) as Record<string, Record<string, unknown>>;
  content[section]![key] = value;
  writeFileSync(path, JSON.stringify(content));
}

/** Steps, losses and accuracies: rows without what a clock decides. */
function rows(runDir: string): string[] {
  const lines = readFileSync(join(runDir, 'metrics.csv'), 'utf8').trim().split('\n');
  return lines.map((line) => line.split(',').toSpliced(2, 2).join(','));
}

const root = temporaryFolder();
const data = join(root, 'data');

async function run(
  name: string,
  epochs: number,
  stopAfter?: number,
  more: object = {},
  keys: { train?: object } & Record<string, unknown> = {},
): Promise<string> {
  const { trials } = await loadExperiment({
    name,
    data: { name: 'imagetree', dir: data, size: 8, crop: 8, ...more },
    corruption: 'random-labels',
    model: { name: 'mlp', hidden: [4] },
    ...keys,
    train: { epochs, batchSize: 4, stop: 'never', ...keys.train },
    engine: { name: 'wasm' },
  });
  const controller = new AbortController();
  const epoch = (row: { epoch: number }) =>
    row.epoch === stopAfter && controller.abort(new DOMException('SIGTERM', 'AbortError'));
  const { signal } = controller;
  const options = { out: root, events: { epoch }, signal };
  return (await runExperiment(trials[0]!.config, options)).runDir;
}

const slug = (words: string) => words.replaceAll(' ', '-');

/** A copy of a run directory, to do something to. */
function copyOf(runDir: string): string {
  const copy = join(temporaryFolder(), 'run');
  cpSync(runDir, copy, { recursive: true });
  return copy;
}

async function resumed(runDir: string) {
  const notes: string[] = [];
  const { result } = await resumeRun(runDir, { events: { note: (text) => notes.push(text) } });
  return { result: result as RunResult, notes: notes.join(' ') };
}

describe('resuming', () => {
  let interrupted: string;
  let whole: string;
  beforeAll(async () => {
    await writeSixImages(data);
    whole = await run('whole', 4);
    interrupted = await run('interrupted', 4, 2);
  });

  it('is offered of a run that says what interrupted it', () => {
    const status = { state: 'interrupted', reason: 'SIGTERM', epoch: 2 };
    expect(readStatus(interrupted)).toMatchObject(status);
  });

  it('goes on from the checkpoint to what a run that was not interrupted gives', async () => {
    const runDir = copyOf(interrupted);
    const { result } = await resumed(runDir);
    expect(result).toMatchObject({ outcome: 'finished', epochs: 4 });
    expect(rows(runDir)).toEqual(rows(whole));
  });

  it.each([
    ['of a resnet18', { model: { name: 'resnet18', width: 2 } }],
    ['with mixup', { regularization: { mixup: 1 } }],
    ['with a loss that remembers', { loss: { name: 'elr' } }],
  ])('%s gives the bits of a run that was not interrupted', async (what, keys) => {
    const stopped = await run(`${slug(what)}-stopped`, 3, 1, {}, keys);
    expect((await resumed(stopped)).result.epochs).toBe(3);
    const unbroken = await run(`${slug(what)}-whole`, 3, undefined, {}, keys);
    expect(rows(stopped)).toEqual(rows(unbroken));
    const [state, other] = [stopped, unbroken].map(
      (runDir) =>
        loadCheckpoint(checkpointPath(join(runDir, 'checkpoints'), 'last')).checkpoint.state,
    );
    expect(Object.keys(state!)).toEqual(Object.keys(other!));
    expect(sameBits(state!, other!)).toBe(true);
  });

  it('says that another engine goes on than the one that began', async () => {
    const runDir = copyOf(interrupted);
    edit(join(runDir, 'environment.json'), 'engine', 'version', '4.0.0');
    const { notes } = await resumed(runDir);
    expect(notes).toContain('The run goes on with another engine than it had: version 4.0.0, now');
    expect((await resumed(copyOf(interrupted))).notes).not.toContain('another engine');
  });

  it('leaves a finished run as it is and says so', async () => {
    const before = statSync(join(whole, 'result.json')).mtimeMs;
    const { result, notes } = await resumed(whole);
    expect(notes).toContain('is finished: there is nothing to resume');
    expect(result.epochs).toBe(4);
    expect(statSync(join(whole, 'result.json')).mtimeMs).toBe(before);
  });

  it('starts over where there is no checkpoint yet', async () => {
    const runDir = copyOf(interrupted);
    rmSync(join(runDir, 'checkpoints'), { recursive: true });
    rmSync(join(runDir, 'result.json'));
    const { notes } = await resumed(runDir);
    expect(notes).toContain('No checkpoint yet: the run starts over.');
    expect(rows(runDir)).toEqual(rows(whole));
  });

  it.each([
    ['train', 'learningRate', 0.5],
    ['train', 'batchSize', 2],
    ['model', 'hidden', [5]],
    ['seeds', 'init', 77],
    ['data', 'limit', 3],
    ['engine', 'precision', 'bfloat16'],
  ])('refuses another %s.%s and leaves the run as it was', async (section, key, value) => {
    const runDir = copyOf(interrupted);
    const before = rows(runDir);
    edit(join(runDir, 'config.json'), section, key, value);
    const error: RethinkError = await failure(() => resumed(runDir));
    expect(error.kind).toBe('data');
    expect(error.message).toMatch(/can't be resumed: its config is not the one|of another model/);
    expect(rows(runDir)).toEqual(before);
    expect(existsSync(join(runDir, 'lock'))).toBe(false);
  });

  it('takes fewer or more epochs, other threads and anything under record', async () => {
    const runDir = copyOf(interrupted);
    edit(join(runDir, 'config.json'), 'train', 'epochs', 3);
    edit(join(runDir, 'config.json'), 'record', 'steps', false);
    const first = await resumed(runDir);
    expect(first.notes).toContain('other epochs, engine threads, data.memory or paths');
    expect(first.result).toMatchObject({ outcome: 'finished', epochs: 3 });
    expect(rows(runDir)).toEqual(rows(whole).slice(0, 4));
    // A run that has used up its epochs and is given more goes on.
    edit(join(runDir, 'config.json'), 'train', 'epochs', 4);
    edit(join(runDir, 'config.json'), 'engine', 'threads', 1);
    expect((await resumed(runDir)).result).toMatchObject({ outcome: 'finished', epochs: 4 });
    expect(rows(runDir)).toEqual(rows(whole));
  });

  it('refuses other data', async () => {
    const runDir = copyOf(interrupted);
    const image = join(data, 'train/a/1.png');
    const before = readFileSync(image);
    write(image, await plain(8, 8, { r: 11, g: 50, b: 245 }));
    const error = await failure(() => resumed(runDir));
    write(image, before);
    expect(error.kind).toBe('data');
    expect(error.message).toContain("can't be resumed: its data is not the one");
    expect((await resumed(runDir)).result.epochs).toBe(4);
  });

  it('of a streamed run is exact, streams again whatever fits by now, and is what memory gives', async () => {
    const streamed = { stream: true };
    const stopped = await run('streamed', 4, 2, streamed);
    const data = JSON.parse(readFileSync(join(stopped, 'data.json'), 'utf8'));
    expect(data).toMatchObject({ name: 'imagetree', streamed: true, subset: null });
    // As on another machine, where auto would hold them in memory.
    expect((await resumed(stopped)).notes).toContain('stay on the disk');
    const inMemory = await run('memory', 4, undefined, { stream: false });
    expect(rows(stopped)).toEqual(rows(await run('streamed', 4, undefined, streamed)));
    expect(rows(stopped)).toEqual(rows(inMemory));
    const hash = (runDir: string) =>
      JSON.parse(readFileSync(join(runDir, 'result.json'), 'utf8')).data.hash;
    expect(hash(stopped)).toBe(hash(inMemory));
  });
});

/** What an optimizer keeps, and where a schedule is, goes on where it was. */
describe.each([
  { optimizer: { name: 'adam' }, schedule: { name: 'cosine', warmupEpochs: 1 } },
  { optimizer: { name: 'adamw' }, schedule: { name: 'multi-step', milestones: [2] } },
  { optimizer: { nesterov: true }, schedule: { name: 'inverse-sqrt', every: 2 } },
])('a run with %j', (train) => {
  it('has the bits of one that was never interrupted', async () => {
    const whole = await run('whole', 3, undefined, {}, { train });
    const broken = await run('broken', 3, 1, {}, { train });
    await resumeRun(broken, {});
    expect(rows(broken)).toEqual(rows(whole));
    const last = (runDir: string) =>
      readFileSync(checkpointPath(join(runDir, 'checkpoints'), 'last'));
    const bits = (runDir: string) => anatomy(last(runDir)).data;
    expect(bits(broken).equals(bits(whole))).toBe(true);
  });
});
