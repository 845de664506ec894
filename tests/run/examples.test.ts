import { cpSync, existsSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { loadExperiment } from '../../src/config/experiment.js';
import {
  eachExampleEpoch,
  exampleEpochPath,
  exampleEpochs,
  readExampleLabels,
} from '../../src/record/examples.js';
import { readMetrics } from '../../src/record/rows.js';
import { readPredictions, readResult } from '../../src/record/runs.js';
import { detections, scoreExamples } from '../../src/results/examples.js';
import { evaluateRun } from '../../src/run/evaluate.js';
import { resumeRun, runExperiment } from '../../src/run/index.js';
import { writeSixImages } from '../data/helpers.js';
import { temporaryFolder } from '../helpers/temporary-folder.js';
import { TINY } from '../sweep/helpers.js';

const CONFIG = {
  ...TINY,
  corruption: { kind: 'flip-labels', fraction: 0.4 },
  train: { ...TINY.train, epochs: 4 },
  record: { ...TINY.record, examples: true },
};

async function run(changes: object = {}, stopAfter?: number) {
  const { config } = (await loadExperiment({ ...CONFIG, ...changes })).trials[0]!;
  const controller = new AbortController();
  const notes: string[] = [];
  const { runDir, result } = await runExperiment(config, {
    out: temporaryFolder(),
    signal: controller.signal,
    events: {
      epoch: ({ epoch }) => {
        if (epoch === stopAfter) controller.abort(new DOMException('SIGTERM', 'AbortError'));
      },
      note: (text) => notes.push(text),
    },
  });
  return { runDir, result, notes };
}

/** All that a run says of its examples, but for the time. */
function written(runDir: string): Record<string, string> {
  const files = readdirSync(join(runDir, 'examples')).map((name) => join('examples', name));
  const all = [...files, 'examples.parquet', 'predictions.json'].map((name) => [
    name,
    readFileSync(join(runDir, name), 'latin1'),
  ]);
  return { ...Object.fromEntries(all), result: JSON.stringify(readResult(runDir)!.examples) };
}

describe('a run that records its examples', () => {
  let whole: Awaited<ReturnType<typeof run>>;
  beforeAll(async () => {
    whole = await run();
  });

  it('writes what its rows are the means of', () => {
    const labels = readExampleLabels(whole.runDir);
    const rows = readMetrics(whole.runDir);
    const { given_label: given, true_label: truth, changed } = labels;
    const n = given.length;
    expect([...changed]).toEqual([...given].map((label, i) => (label === truth[i] ? 0 : 1)));
    const epochs = [...eachExampleEpoch(whole.runDir, n)];
    expect(epochs.map(({ epoch }) => epoch)).toEqual([1, 2, 3, 4]);
    for (const [i, { loss, margin, prediction }] of epochs.entries()) {
      const row = rows[i]!;
      expect(loss.reduce((a, b) => a + b) / n).toBeCloseTo(row.train_loss!, 5);
      const share = (of: Int32Array) =>
        [...of].filter((label, j) => prediction[j] === label).length / n;
      expect(share(given)).toBeCloseTo(row.train_accuracy!, 10);
      expect(share(truth)).toBeCloseTo(row.true_label_accuracy!, 10);
      // The given label is predicted where its margin is positive.
      expect([...margin].map((m) => m > 0)).toEqual([...given].map((l, j) => prediction[j] === l));
    }
    const scores = scoreExamples(labels, epochs);
    expect(readResult(whole.runDir)!.examples).toEqual({
      epochs: 4,
      first_epoch: 1,
      changed: changed.reduce((a, b) => a + b),
      scores: detections(scores, changed),
    });
  });

  it.each([1, 3])('interrupted after epoch %i and resumed, leaves the same', async (stopAfter) => {
    const { runDir } = await run({}, stopAfter);
    expect(existsSync(join(runDir, 'examples.parquet'))).toBe(false);
    // What a process writes that was killed before its next checkpoint.
    cpSync(exampleEpochPath(runDir, stopAfter), exampleEpochPath(runDir, stopAfter + 1));
    await resumeRun(runDir);
    expect(written(runDir)).toEqual(written(whole.runDir));
  });

  it('killed after its last checkpoint, writes the same without training', async () => {
    const copy = join(temporaryFolder(), 'run');
    cpSync(whole.runDir, copy, { recursive: true });
    for (const name of ['result.json', 'predictions.json', 'examples.parquet'])
      rmSync(join(copy, name));
    await resumeRun(copy);
    expect(written(copy)).toEqual(written(whole.runDir));
  });

  it('trains the same bits as one that does not, which writes none', async () => {
    const plain = await run({ record: CONFIG.record && { ...TINY.record } });
    expect(existsSync(join(plain.runDir, 'examples'))).toBe(false);
    expect(existsSync(join(plain.runDir, 'examples.parquet'))).toBe(false);
    const steps = (dir: string) => readFileSync(join(dir, 'steps.csv'), 'utf8');
    expect(steps(plain.runDir)).toBe(steps(whole.runDir));
    const { examples: _, ...rest } = readResult(whole.runDir)!;
    const same = { seconds: 0, last: { seconds: 0, images_per_second: 0 } };
    expect(readResult(plain.runDir)!.examples).toBeUndefined();
    expect({ ...readResult(plain.runDir)!, ...same, best: null, reached: null }).toEqual({
      ...rest,
      ...same,
      best: null,
      reached: null,
    });
  });

  it('asked for on a resume alone, scores the epochs from then on', async () => {
    const { runDir } = await run({ record: TINY.record }, 2);
    const path = join(runDir, 'config.json');
    const config = JSON.parse(readFileSync(path, 'utf8'));
    writeFileSync(
      path,
      JSON.stringify({ ...config, record: { ...config.record, examples: true } }),
    );
    await resumeRun(runDir);
    expect(exampleEpochs(runDir)).toEqual([3, 4]);
    expect(readResult(runDir)!.examples).toMatchObject({ epochs: 2, first_epoch: 3 });
  });

  it('tells of a damaged file of an earlier epoch, and ends all the same', async () => {
    const { runDir } = await run({}, 3);
    writeFileSync(exampleEpochPath(runDir, 2), 'not one');
    const notes: string[] = [];
    await resumeRun(runDir, { events: { note: (text) => notes.push(text) } });
    expect(notes).toContainEqual(expect.stringMatching(/epoch-0002\.safetensors .* left out/));
    expect(readResult(runDir)!.examples).toMatchObject({ epochs: 3, first_epoch: 1 });
  });

  it('finds them in images that stay on the disk, by their place in the source', async () => {
    const dir = join(temporaryFolder(), 'data');
    await writeSixImages(dir);
    const data = { name: 'imagetree', dir, size: 8, crop: 8 };
    const changes = {
      data: { ...data, stream: true },
      corruption: 'random-labels',
      train: { epochs: 2, batchSize: 2, stop: 'never' },
    };
    const [streamed, held] = [await run(changes), await run({ ...changes, data })];
    const columns = readExampleLabels(streamed.runDir);
    expect(columns).toEqual(readExampleLabels(held.runDir));
    expect(exampleEpochs(streamed.runDir)).toEqual([1, 2]);
    expect(written(streamed.runDir)['predictions.json']).toBe(
      written(held.runDir)['predictions.json'],
    );
  });
});

describe('every run', () => {
  it('ends with its confusion and its most confident mistakes, as evaluate finds them', async () => {
    const { runDir } = await run({ record: TINY.record });
    const read = readPredictions(runDir)!;
    const evaluation = await evaluateRun(runDir);
    const sum = (values: number[] = []) => values.reduce((a, b) => a + b, 0);
    const { train, test } = read;
    expect(read.epoch).toBe(4);
    expect(read.classes).toHaveLength(10);
    for (const [confusion, accuracy] of [
      [train!.given!, evaluation.train.accuracy],
      [train!.true!, evaluation.train.true_label_accuracy],
      [test!.true!, evaluation.test.accuracy],
    ] as const) {
      const n = sum(confusion.examples);
      expect(sum(confusion.right) / n).toBeCloseTo(accuracy, 10);
      expect(sum(confusion.right) + sum(confusion.pairs.count)).toBe(n);
    }
    for (const { prediction, given_label } of train!.wrong!)
      expect(prediction).not.toBe(given_label);
    const losses = test!.wrong!.map(({ loss }) => loss);
    expect(losses).toEqual(losses.toSorted((a, b) => b - a));
  });

  it('that is interrupted or diverges leaves none', async () => {
    const interrupted = await run({}, 1);
    expect(readPredictions(interrupted.runDir)).toBeNull();
    const diverged = await run({ train: { ...TINY.train, learningRate: 1e30, epochs: 2 } });
    expect(diverged.result.outcome).toBe('diverged');
    expect(readPredictions(diverged.runDir)).toBeNull();
  });
});
