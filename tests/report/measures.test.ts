import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import type { Html } from '../../src/report/html.js';
import { writeReport } from '../../src/report/index.js';
import { compareMeasures } from '../../src/report/measures/compare.js';
import {
  granulatedKendall,
  kendallTauB,
  type Pairs,
  tauDeviation,
} from '../../src/report/measures/kendall.js';
import { measuresSection } from '../../src/report/measures/section.js';
import { readRuns } from '../../src/report/runs.js';
import { temporaryFolder } from '../helpers/temporary-folder.js';
import { type FakeRun, writeRun } from './helpers.js';

const pairs = (x: number[], y: number[]): Pairs => x.map((value, i) => [value, y[i]!] as const);

describe("Kendall's τ-b", () => {
  it('is what it is on paper, with ties and without', () => {
    expect(kendallTauB(pairs([1, 2, 3], [10, 20, 30]))).toBe(1);
    expect(kendallTauB(pairs([1, 2, 3], [3, 2, 1]))).toBe(-1);
    // Six pairs in order, three out of it, one tied in y.
    expect(kendallTauB(pairs([1, 2, 3, 4, 5], [3, 1, 2, 2, 5]))).toBeCloseTo(3 / Math.sqrt(90), 12);
    // Three in order, one out of it; one tied in x alone, one in both.
    expect(kendallTauB(pairs([1, 1, 2, 2], [1, 2, 2, 2]))).toBeCloseTo(
      2 / Math.sqrt((2 + 1) * (2 + 2)),
      12,
    );
    expect(kendallTauB(pairs([1, 2, 3], [5, 5, 5]))).toBeNull();
    expect(kendallTauB(pairs([1], [5]))).toBeNull();
    expect(kendallTauB([])).toBeNull();
  });

  it('of nothing to do with each other spreads as it is known to', () => {
    expect(tauDeviation(16)).toBeCloseTo(Math.sqrt(74 / (9 * 240)), 12);
  });

  it('granulated is the mean over groups, ties counted 0, groups of one left out', () => {
    const groups = [
      pairs([1, 2], [1, 2]),
      pairs([1, 2], [2, 1]),
      pairs([1, 2, 3], [1, 2, 3]),
      pairs([1, 1], [1, 2]),
      pairs([1], [1]),
    ];
    expect(granulatedKendall(groups)).toBe((1 - 1 + 1 + 0) / 4);
    expect(granulatedKendall([pairs([1], [1])])).toBeNull();
  });
});

/** 2 widths × 2 learning rates with true labels, 2 with half of them random; path norms that follow the gap of true labels. */
function runs(): FakeRun[] {
  const of = (hidden: number, rate: number, fraction: number, test: number, path: number) => ({
    config: {
      data: { name: 'synthetic', limit: 100 },
      corruption: { kind: 'partial-labels', fraction },
      model: { name: 'mlp', hidden: [hidden] },
      train: { learningRate: rate },
      record: { measures: true },
    },
    data: { name: 'synthetic', train: 100 },
    outcome: 'fitted' as const,
    train: [0.5, 1, 1],
    test,
    measures: {
      path_norm: path,
      param_norm: hidden,
      inverse_margin: null,
      absent: { inverse_margin: 'the margin is not positive.' },
    },
  });
  return [
    of(10, 0.1, 0, 0.6, 1),
    of(10, 0.2, 0, 0.5, 2),
    of(20, 0.1, 0, 0.4, 3),
    of(20, 0.2, 0, 0.3, 4),
    of(30, 0.2, 0, 0.2, 5),
    of(10, 0.1, 0.5, 0.1, 0.5),
    of(20, 0.1, 0.5, 0.05, 0.7),
    // Not stopped by its criterion.
    { ...of(20, 0.2, 0.5, 0.05, 9), outcome: undefined, train: [0.5, 0.6, 0.7] },
  ];
}

describe('measures of runs', () => {
  let root: string;
  beforeAll(async () => {
    root = temporaryFolder();
    for (const [i, run] of runs().entries()) await writeRun(join(root, `${i}`), run);
  });

  it('are held against the gap: all, key by key, and with random labels in', async () => {
    const [compared, ...others] = compareMeasures((await readRuns([root])).runs);
    expect(others).toEqual([]);
    const { clean, runs, keys, corruptionKeys, rows, notes } = compared!;
    expect([clean.length, runs.length]).toEqual([5, 7]);
    expect(keys.toSorted()).toEqual(['model.hidden', 'train.learningRate']);
    expect(corruptionKeys).toEqual(['corruption.fraction']);
    const row = (name: string) => rows.find((each) => each.name === name)!;
    expect(row('path_norm').clean).toEqual({
      tau: 1,
      n: 5,
      psi: { 'model.hidden': 1, 'train.learningRate': 1 },
      meanPsi: 1,
    });
    // Wider: a greater gap; at another rate: the same norm.
    const { tau, psi } = row('param_norm').clean;
    expect(tau).toBeCloseTo(8 / Math.sqrt(80), 12);
    expect(psi).toEqual({ 'model.hidden': 1, 'train.learningRate': 0 });
    // Random labels: the gap grows, the path norm falls. 11 pairs in order, 10 not.
    expect(row('path_norm').all.tau).toBeCloseTo(1 / 21, 12);
    expect(row('path_norm').all.psi).toEqual({ 'corruption.fraction': -1 });
    expect(row('inverse_margin').clean).toMatchObject({ tau: null, n: 0 });
    expect(notes.join(' ')).toContain('1 measured run left out: not stopped by train.stop');
  });

  it('are a part of the page, with figures, and there are none of fewer runs', async () => {
    const { page, figures } = await writeReport([root], { out: join(temporaryFolder(), 'p.html') });
    const text = readFileSync(page, 'utf8');
    const [, section = ''] = /<section id="measures">(.*?)<\/section>/s.exec(text) ?? [];
    expect(section).toContain('synthetic images, 100 training images');
    expect(section).toContain('τ, true labels, n = 5');
    expect(section).toContain('τ, all labels, n = 7');
    expect(section).toContain('>ψ learningRate<');
    expect(section).toMatch(/path norm .*?1\.00/s);
    expect(section).toContain('7 without some: the margin is not positive.');
    expect(section).not.toMatch(/NaN|undefined/);
    expect(figures.filter((path) => path.includes('measures-path-norm'))).not.toEqual([]);
    const few = join(temporaryFolder());
    for (const [i, run] of runs().slice(0, 4).entries()) await writeRun(join(few, `${i}`), run);
    const { runs: read } = await readRuns([few]);
    expect(compareMeasures(read)).toEqual([]);
  });

  it('of one hyperparameter and no corruption have neither Ψ nor a second τ', async () => {
    const only = temporaryFolder();
    const base = runs()[0]!;
    for (let i = 0; i < 5; i++) {
      const config = { ...base.config, seed: 0, model: { name: 'mlp', hidden: [10 + i] } };
      const measures = { path_norm: i };
      await writeRun(join(only, `${i}`), { ...base, config, measures, test: 0.5 + i / 10 });
    }
    const section = (measuresSection(compareMeasures((await readRuns([only])).runs)) as Html)
      .markup;
    expect(section).toMatch(/path norm .*?−1\.00/s);
    expect(section).not.toContain('>Ψ<');
    expect(section).not.toContain('all labels');
  });
});
