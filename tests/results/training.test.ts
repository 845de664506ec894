import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { byChance } from '../../src/paper.js';
import { RunDirectory } from '../../src/record/run-directory.js';
import { linesOf, theoryClaims } from '../../src/results/theory.js';
import {
  EPOCH_COLUMNS,
  epochColumns,
  noProgress,
  type StoredEpochRow,
  weightNormPeak,
} from '../../src/results/training.js';
import { temporaryFolder } from '../helpers/temporary-folder.js';
import { checkpointAt, epochRow, META, RESULT, stepRow } from '../record/fake-run.js';

const none = { corruptedTestAccuracy: false, top5: false };

describe('columns of metrics.csv', () => {
  it.each(EPOCH_COLUMNS)('%s is told in results/README.md', (column) => {
    const readme = readFileSync(join(import.meta.dirname, '../../results/README.md'), 'utf8');
    const rows = readme.split('\n').filter((line) => line.startsWith('| `'));
    expect(rows.filter((line) => line.split('|')[1]!.includes(`\`${column}\``))).toHaveLength(1);
  });

  it('stand in one order, whatever is asked for', () => {
    expect(epochColumns({ corruptedTestAccuracy: true, top5: true })).toEqual(EPOCH_COLUMNS);
    for (const wanted of [
      none,
      { ...none, top5: true },
      { ...none, corruptedTestAccuracy: true },
    ]) {
      const columns = epochColumns(wanted);
      expect(EPOCH_COLUMNS.filter((column) => columns.includes(column))).toEqual(columns);
    }
    expect(epochColumns(none)).not.toContain('corrupted_test_accuracy');
  });
});

describe('a run directory refuses as a bug', () => {
  const directory = () => {
    const made = RunDirectory.create(temporaryFolder(), 'a', '0123456789', { config: {} });
    return {
      made,
      recorder: made.recorder({ meta: META, steps: true, tensorboard: false, ...none }),
    };
  };
  const { weight_norm: _norm, ...fewer } = epochRow(1);
  const { loss: _loss, ...noLoss } = stepRow(1);

  it.each([
    ['a column too few', fewer, 'no weight_norm'],
    ['a column too many', { ...epochRow(1), later: 1 }, 'an unknown later'],
    ['a column not asked for', { ...epochRow(1), test_top5_accuracy: 1 }, 'test_top5_accuracy'],
  ])('a row with %s', (_what, row, wrong) => {
    const { made, recorder } = directory();
    expect(() => recorder.epoch(row as never)).toThrow(wrong);
    expect(readFileSync(join(made.path, 'metrics.csv'), 'utf8').split('\n')).toHaveLength(2);
    made.close('finished');
  });

  it('other keys than it knows, in steps, checkpoints and results', () => {
    const { made, recorder } = directory();
    expect(() => recorder.steps([noLoss as never])).toThrow('no loss');
    const { seconds: _seconds, ...progress } = noProgress();
    const checkpoint = { ...checkpointAt(1), progress: progress as never };
    expect(() => recorder.checkpoint(checkpoint, false)).toThrow('no seconds');
    expect(() => made.writeResult({ ...RESULT, later: 1 } as never)).toThrow('an unknown later');
    const theory = { experiment: 'linear', outcome: 'finished' };
    expect(() => made.writeResult(theory as never)).toThrow('no relative_distance');
    made.close('finished');
  });
});

describe('an experiment of the theory', () => {
  it.each(['theorem1', 'kernels', 'rademacher', 'linear'] as const)(
    'shows %s without any of its findings, and claims nothing then',
    (experiment) => {
      const result = { experiment, outcome: 'finished' } as const;
      const lines = linesOf(result);
      expect(lines.length).toBeGreaterThan(5);
      expect(JSON.stringify(lines)).not.toMatch(/undefined|NaN/);
      expect(theoryClaims([result]).every(({ outcomes }) => outcomes.length === 0)).toBe(true);
    },
  );

  it('is claimed by its own results alone', () => {
    const fitted = { batch_size: 1, n: 2, relative_residual: 0, relative_distance: 1 };
    const linear = { experiment: 'linear', outcome: 'finished', ...fitted } as const;
    const heard = theoryClaims([linear]).filter(({ outcomes }) => outcomes.length > 0);
    expect(heard.map(({ claim }) => claim)).toEqual([expect.stringContaining('minimum norm')]);
    expect(heard[0]!.outcomes[0]!.holds).toBe(false);
  });
});

it('calls chance what a guesser has, the more narrowly the more images there are', () => {
  expect(byChance(0.1, 10, 10_000)).toBe(true);
  expect(byChance(0.111, 10, 10_000)).toBe(true);
  expect(byChance(0.113, 10, 10_000)).toBe(false);
  expect(byChance(0.113, 10, 1000)).toBe(true);
});

describe('the peak of the weight norm', () => {
  const peakOf = (...norms: (number | undefined)[]) =>
    weightNormPeak(
      norms.map((weight_norm, i) => ({ ...epochRow(i + 1), weight_norm }) as StoredEpochRow),
    )?.epoch ?? null;

  it('is the first epoch with the greatest, where later ones have less', () => {
    expect(peakOf(1, 3, 2)).toBe(2);
    expect(peakOf(3, 3, 2)).toBe(1);
    expect(peakOf(1, Number.NaN, 4, undefined, 3)).toBe(3);
  });

  it('is none where the norm still rises, or is unknown', () => {
    for (const norms of [[], [1], [1, 2, 3], [undefined, Number.NaN]]) {
      expect(peakOf(...norms)).toBeNull();
    }
  });
});
