import { cpSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { loadExperiment } from '../../src/config/experiment.js';
import { checkpointPath } from '../../src/record/checkpoint.js';
import { evaluateRun } from '../../src/run/evaluate.js';
import { resumeRun, runExperiment } from '../../src/run/index.js';
import { failure } from '../data/helpers.js';
import { temporaryFolder } from '../helpers/temporary-folder.js';
import { anatomy, forge, type Json } from '../record/forge.js';

const EPOCHS = 4;
const STEPS = 5;

let finished: string;
let interrupted: string;

async function run(name: string, stopAfter: number): Promise<string> {
  const { trials } = await loadExperiment({
    name,
    data: { name: 'synthetic', limit: 20 * STEPS, testLimit: 20 },
    model: { name: 'mlp', hidden: [4] },
    train: { epochs: EPOCHS, batchSize: 20, stop: 'never' },
    engine: { name: 'wasm' },
  });
  const controller = new AbortController();
  const epoch = (row: { epoch: number }) => row.epoch === stopAfter && controller.abort();
  const options = { out: temporaryFolder(), events: { epoch }, signal: controller.signal };
  return (await runExperiment(trials[0]!.config, options)).runDir;
}

beforeAll(async () => {
  finished = await run('finished', EPOCHS);
  interrupted = await run('interrupted', 2);
});

function copyOf(runDir: string): string {
  const copy = join(temporaryFolder(), 'run');
  cpSync(runDir, copy, { recursive: true });
  return copy;
}

/** An interrupted run with another progress in its checkpoint, and a digest that fits. */
function withProgress(change: (progress: Json) => void): string {
  const copy = copyOf(interrupted);
  const path = checkpointPath(join(copy, 'checkpoints'), 'last');
  const { header, data } = anatomy(readFileSync(path));
  const progress = JSON.parse(header.__metadata__.progress);
  change(progress);
  header.__metadata__.progress = JSON.stringify(progress);
  forge(path, header, data);
  return copy;
}

const TABLES = ['metrics.csv', 'metrics.jsonl', 'steps.csv'];
const tables = (runDir: string) => TABLES.map((name) => readFileSync(join(runDir, name), 'utf8'));

describe('a checkpoint whose place in the run can’t be is refused, and nothing is cut', () => {
  const cases: [what: string, change: (progress: Json) => void][] = [
    ['more epochs than the config has', (p) => Object.assign(p, { epoch: 5, step: 25 })],
    ['all epochs and a step more', (p) => Object.assign(p, { epoch: 4, step: 21 })],
    ['epochs without end', (p) => Object.assign(p, { epoch: 2 ** 52 })],
    ['epochs past 2^53', (p) => Object.assign(p, { epoch: 2 ** 60, step: 5 * 2 ** 60 })],
    ['steps past 2^53', (p) => Object.assign(p, { step: 2 ** 60 })],
    ['fewer steps than its epochs have', (p) => Object.assign(p, { step: 7 })],
    ['no steps', (p) => Object.assign(p, { step: 0 })],
    ['steps beyond the next epoch', (p) => Object.assign(p, { step: 16 })],
    ['steps without an epoch', (p) => Object.assign(p, { epoch: 0, step: 10 })],
    ['half an epoch', (p) => Object.assign(p, { epoch: 2.5 })],
    ['half a step', (p) => Object.assign(p, { step: 10.5 })],
    ['a negative epoch', (p) => Object.assign(p, { epoch: -1 })],
    ['a negative step', (p) => Object.assign(p, { step: -5 })],
    ['an epoch in words', (p) => Object.assign(p, { epoch: '2' })],
    ['an epoch that is not a number', (p) => Object.assign(p, { epoch: 'NaN' })],
    ['a last row of a later epoch', (p) => Object.assign(p.last, { epoch: 3, step: 15 })],
    ['a last row of no epoch', (p) => Object.assign(p.last, { epoch: 0, step: 0 })],
    ['a best row in the middle of an epoch', (p) => Object.assign(p.best, { step: 3 })],
    [
      'a threshold reached in a later epoch',
      (p) => Object.assign(p.reached, { accuracy_1: { epoch: 3, step: 15, seconds: 1 } }),
    ],
    ['more evaluations in a row than epochs', (p) => Object.assign(p, { fittedInARow: 3 })],
    ['negative evaluations in a row', (p) => Object.assign(p, { fittedInARow: -1 })],
  ];

  it.each(cases)('with %s', async (_, change) => {
    const runDir = withProgress(change);
    const before = tables(runDir);
    const error = await failure(() => resumeRun(runDir));
    expect([error.kind, error.exitCode]).toEqual(['data', 3]);
    expect(error.message).toContain(join(runDir, 'checkpoints/last.safetensors'));
    expect(tables(runDir)).toEqual(before);
  });

  it('and is not evaluated', async () => {
    const runDir = withProgress((p) => Object.assign(p, { step: 16 }));
    expect((await failure(() => evaluateRun(runDir))).exitCode).toBe(3);
  });
});

describe('a checkpoint is taken', () => {
  it.each([
    ['in the middle of an epoch', 13],
    ['after the last step of an epoch, before it is evaluated', 15],
  ])('%s', async (_, step) => {
    const runDir = withProgress((p) => Object.assign(p, { step }));
    const notes: string[] = [];
    const { result } = await resumeRun(runDir, { events: { note: (text) => notes.push(text) } });
    expect(result).toMatchObject({ outcome: 'finished', epochs: EPOCHS, steps: EPOCHS * STEPS });
    // The steps after the tenth were never written.
    expect(notes.join()).toContain(`steps.csv lost rows: it ends at 10, and the checkpoint`);
  });
});

describe('a result that no run of its config can have', () => {
  it.each([
    [{ epochs: 2 ** 52 }, 'train.epochs in config.json is 4'],
    [{ epochs: 5, steps: 25 }, 'train.epochs in config.json is 4'],
    [{ steps: 19 }, 'after 4 epochs and 19 steps, and an epoch has 5 steps'],
    [{ steps: 21 }, 'after 4 epochs and 21 steps, and an epoch has 5 steps'],
  ])('is refused: %j', async (change, message) => {
    const runDir = copyOf(finished);
    const path = join(runDir, 'result.json');
    writeFileSync(path, JSON.stringify({ ...JSON.parse(readFileSync(path, 'utf8')), ...change }));
    const error = await failure(() => resumeRun(runDir));
    expect(error.exitCode).toBe(3);
    expect(error.message).toContain(message);
  });
});

describe('tables that lost rows', () => {
  it('are told of, and the run goes on', async () => {
    const runDir = copyOf(interrupted);
    for (const name of TABLES) {
      const [first] = readFileSync(join(runDir, name), 'utf8').split('\n');
      writeFileSync(join(runDir, name), `${first}\n`);
    }
    rmSync(join(runDir, 'result.json'));
    const notes: string[] = [];
    const { result } = await resumeRun(runDir, { events: { note: (text) => notes.push(text) } });
    expect(result).toMatchObject({ outcome: 'finished', epochs: EPOCHS });
    for (const name of TABLES) expect(notes.join()).toContain(`${join(runDir, name)} lost rows`);
  });
});
