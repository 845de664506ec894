import { cpSync, existsSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { loadExperiment } from '../../src/config/experiment.js';
import { readMember, readMemorization } from '../../src/record/memorization.js';
import { findRuns } from '../../src/record/runs.js';
import { PageExamplesReader } from '../../src/report/examples/index.js';
import { examplesSection } from '../../src/report/examples/section.js';
import { examplePlans } from '../../src/report/figures/examples.js';
import { readRuns } from '../../src/report/runs.js';
import type { ResultOf } from '../../src/results/theory.js';
import { runExperiment } from '../../src/run/index.js';
import { rankMemorized } from '../../src/run/memorized.js';
import { includedExamples } from '../../src/setup/member.js';
import { sweepOf } from '../../src/sweep/directory.js';
import type { SweepOptions } from '../../src/sweep/options.js';
import { runSweep } from '../../src/sweep/run.js';
import type { TrialRecord } from '../../src/sweep/types.js';
import { temporaryFolder } from '../helpers/temporary-folder.js';
import { Remembering, TINY } from '../sweep/helpers.js';

const CONFIG = {
  ...TINY,
  experiment: 'memorization',
  memorization: { members: 4, fraction: 0.5, influence: 0.5 },
  corruption: { kind: 'flip-labels', fraction: 0.3 },
};

const definition = async (changes: object = {}) =>
  sweepOf(await loadExperiment({ ...CONFIG, ...changes }));

async function run(out: string, options: SweepOptions = {}, changes: object = {}) {
  const watcher = new Remembering();
  const records = await runSweep(await definition(changes), { out, watcher, ...options });
  return { records, watcher };
}

const conclusion = (records: readonly TrialRecord[]) => {
  const last = records.at(-1)!;
  if (last.state !== 'ended') throw new Error(`the last trial is ${last.state}`);
  return { ...last, result: last.result as ResultOf<'memorization'> };
};

/** All that members and their experiment have written, but for the time. */
function written(records: readonly TrialRecord[]) {
  return records.slice(1).map((record) => {
    const { runDir } = record as { runDir: string };
    return ['member.safetensors', 'scores.safetensors', 'scores.parquet', 'influence.parquet']
      .map((name) => join(runDir, name))
      .filter((path) => existsSync(path))
      .map((path) => readFileSync(path, 'latin1'));
  });
}

describe('experiment: memorization', () => {
  let whole: Awaited<ReturnType<typeof run>>;
  let out: string;
  beforeAll(async () => {
    out = temporaryFolder();
    whole = await run(out);
  });

  it('trains one network on all and the members on their parts, and says what they predict', async () => {
    const { records } = whole;
    expect(records.map(({ trial }) => trial.overrides['memorization.member'])).toEqual([
      0,
      1,
      2,
      3,
      4,
      undefined,
    ]);
    const { runDir, result } = conclusion(records);
    const { scores, labels, prediction } = readMemorization(runDir);
    expect(result).toMatchObject({ n: 60, n_test: 20, members: 4, members_diverged: 0 });
    const right = new Float64Array(60);
    for (let member = 1; member <= 4; member++) {
      const path = (records[member] as { runDir: string }).runDir;
      const config = records[member]!.trial.config;
      expect(config).toMatchObject({ experiment: 'train', memorization: { member } });
      const file = readFileSync(join(path, 'member.safetensors'), 'latin1');
      const digest = /"labels":"([0-9a-f]{64})"/.exec(file)![1]!;
      const expected = { member, labels: digest, count: 60, testCount: 20 };
      const { included, train } = readMember(path, expected);
      const drawn = { member, fraction: 0.5, seed: config.seeds.data };
      expect(included).toEqual(includedExamples(60, drawn));
      expect(included.reduce((a, b) => a + b)).toBe(30);
      labels.given_label.forEach((label, i) => {
        if (included[i] === 1 && train[i] === label) right[i]!++;
      });
      // What its weights were needed for is written; of hundreds they would fill the disk.
      expect(readdirSync(join(path, 'checkpoints'))).toEqual([]);
      expect(existsSync(join(path, 'tensorboard'))).toBe(false);
    }
    for (let i = 0; i < 60; i++) {
      const share = right[i]! / scores.members_in[i]!;
      if (Number.isNaN(share)) expect(scores.memorization[i]).toBeNaN();
      else expect(scores.accuracy_in[i]).toBeCloseTo(share, 6);
    }
    expect(labels.changed.reduce((a, b) => a + b)).toBeGreaterThan(5);
    expect([...prediction].every((label) => label >= -1 && label < 10)).toBe(true);
    expect(result.correlations!.map(({ score }) => score)).toContain('aum');
  });

  it('says of which examples it has no score, and prints no NaN', () => {
    const { result, runDir } = conclusion(whole.records);
    // Of 60 examples each is in all of four halves with probability 1/16, and in none with as much.
    const ranking = rankMemorized(runDir, { top: 60 });
    const without = ranking.examples.filter(({ memorization }) => memorization === null);
    expect(ranking.without_score).toBe(result.without_score);
    expect(without).toHaveLength(result.without_score!);
    expect(ranking.examples.slice(60 - without.length)).toEqual(without);
    expect(JSON.stringify(ranking)).not.toContain('NaN');
    expect(JSON.stringify(result)).not.toContain('NaN');
  });

  it('writes labels that another run takes', async () => {
    const { runDir } = conclusion(whole.records);
    const labels = join(temporaryFolder(), 'labels.csv');
    const { examples } = rankMemorized(runDir, { top: 10, out: labels });
    const corruption = { kind: 'label-file', file: labels, column: 'relabeled' };
    const { config } = (await loadExperiment({ ...TINY, corruption })).trials[0]!;
    const again = await runExperiment(
      { ...config, experiment: 'train' },
      { out: temporaryFolder() },
    );
    expect(again.result.label_noise).toBeGreaterThan(0);
    expect(examples).toHaveLength(10);
    expect(() => rankMemorized(runDir, { top: 10, out: labels })).toThrow(/labels\.csv/);
  });

  it('goes on in parts and after it was stopped: no member twice, the same bits, computed when all are there', async () => {
    const folder = temporaryFolder();
    const controller = new AbortController();
    const watcher = new Remembering((trial) => ({
      epoch: ({ epoch }) => {
        if (epoch === 1 && trial.overrides['memorization.member'] === 2) {
          controller.abort(new DOMException('SIGTERM', 'AbortError'));
        }
      },
    }));
    const states = ({ records }: { records: TrialRecord[] }) => records.map(({ state }) => state);
    const one = { part: { index: 1, of: 2 }, signal: controller.signal, watcher };
    await run(folder, one);
    expect(watcher.begun).toEqual([0, 2].map((member) => `memorization.member=${member}`));
    const second = await run(folder, { part: { index: 2, of: 2 } });
    expect(second.watcher.begun).toEqual([1, 3].map((member) => `memorization.member=${member}`));
    expect(states(second).at(-1)).toBe('waiting');
    const last = await run(folder);
    expect(last.watcher.begun).toEqual([
      ...[2, 4].map((member) => `memorization.member=${member}`),
      '',
    ]);
    expect(written(last.records)).toEqual(written(whole.records));
    expect(findRuns([folder])).toHaveLength(6);
  });

  it('has members that do not depend on how many there are', async () => {
    const more = await run(out, {}, { memorization: { ...CONFIG.memorization, members: 5 } });
    expect(more.watcher.begun).toEqual(['memorization.member=5', '']);
    expect(conclusion(more.records).result.members).toBe(5);
  });

  it('refuses damaged and missing members, and says what to do', async () => {
    const folder = temporaryFolder();
    cpSync(join(out, 'tiny'), join(folder, 'tiny'), { recursive: true });
    const inFolder = (path: string) => join(folder, 'tiny', basename(path));
    const { trial, runDir } = conclusion(whole.records);
    const compute = () =>
      runExperiment({ ...trial.config, experiment: 'memorization' } as never, { out: folder });
    const damaged = inFolder((whole.records[2] as { runDir: string }).runDir);
    const path = join(damaged, 'member.safetensors');
    const bytes = readFileSync(path);
    bytes[bytes.length - 1]! ^= 1;
    writeFileSync(path, bytes);
    await expect(compute()).rejects.toMatchObject({
      kind: 'data',
      message: expect.stringMatching(
        /1 member can't be counted:\n.*member\.safetensors is damaged/,
      ),
    });
    rmSync(path);
    await expect(compute()).rejects.toThrow(/has no member\.safetensors/);
    rmSync(damaged, { recursive: true });
    await expect(compute()).rejects.toThrow(
      /1 of 5 networks of this experiment are not trained yet/,
    );
    // The sweep trains it again.
    rmSync(inFolder(runDir), { recursive: true });
    const again = await run(folder);
    expect(again.records.every(({ state }) => state === 'ended')).toBe(true);
    expect(written(again.records)).toEqual(written(whole.records));
  });

  it('is shown on the page: distribution, images, pairs', async () => {
    const { runs } = await readRuns([out]);
    const examples = await new PageExamplesReader(undefined).read(runs);
    const section = examplesSection(examples);
    const markup = section === false ? '' : section.markup;
    expect(markup).toContain('<h4>Memorized most</h4>');
    expect(markup).toContain('<h4>Memorized most, of those with the label as it was</h4>');
    expect(markup).toContain('<h4>Greatest influence</h4>');
    expect(markup).not.toMatch(/NaN|undefined/);
    const { runDir } = conclusion(whole.records);
    const { pairs, labels, test } = readMemorization(runDir);
    const [train, tested] = [labels.index[pairs.train[0]!], test.index[pairs.test[0]!]];
    expect(markup).toContain(`no. ${train} → ${tested}, ${pairs.influence[0]!.toFixed(2)} ±`);
    const { chart } = examplePlans(examples.runs).find(({ id }) => id === 'examples-memorization')!;
    const shares = chart.points.filter(({ series }) => series === 'changed label');
    // Of all, each has at least the least score there is.
    expect(shares[0]!.y).toBe(1);
    expect(shares.map(({ y }) => y)).toEqual(shares.map(({ y }) => y).sort((x, y) => y - x));
  });

  it('takes no damaged scores', () => {
    const { runDir } = conclusion(whole.records);
    expect(() => readMemorization((whole.records[1] as { runDir: string }).runDir)).toThrow(
      /has no memorization scores/,
    );
    const folder = temporaryFolder();
    const bytes = readFileSync(join(runDir, 'scores.safetensors'));
    writeFileSync(join(folder, 'scores.safetensors'), bytes.subarray(0, bytes.length - 8));
    expect(() => readMemorization(folder)).toThrow(/scores\.safetensors is damaged/);
  });
});

describe('the part of a member', () => {
  it('is another for each, of the same size, and refuses one that is nothing or all', () => {
    const part = (member: number) => includedExamples(50, { member, fraction: 0.7, seed: 1 });
    expect(part(1)).not.toEqual(part(2));
    expect(part(1)).toEqual(part(1));
    expect(part(2).reduce((a, b) => a + b)).toBe(35);
    const tiny = (fraction: number) => () => includedExamples(3, { member: 1, fraction, seed: 1 });
    expect(tiny(0.1)).toThrow(/memorization\.fraction is 0\.1, which of 3 .* is none/);
    expect(tiny(0.9)).toThrow(/which of 3 .* is all/);
  });
});
