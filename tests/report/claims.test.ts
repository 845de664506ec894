import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { judgeClaims } from '../../src/report/claims.js';
import { groupTrainings } from '../../src/report/groups.js';
import { readRuns } from '../../src/report/runs.js';
import { temporaryFolder } from '../helpers/temporary-folder.js';
import { type FakeRun, writeRun } from './helpers.js';

async function claimsOf(...given: FakeRun[]) {
  const root = temporaryFolder();
  for (const [i, run] of given.entries()) await writeRun(join(root, `${i}`), run);
  const { runs } = await readRuns([root]);
  const claims = judgeClaims(groupTrainings(runs), runs);
  return (beginning: string) => claims.find(({ claim }) => claim.startsWith(beginning))!;
}

const mlp = { model: { name: 'mlp' } };
const random = { ...mlp, corruption: 'random-labels' };
/** Evaluations, the last of which finds the training set fitted. */
const fittedAfter = (epochs: number) =>
  Array.from({ length: epochs }, (_, i) => (i < epochs - 1 ? 0.5 : 1));

describe('claims', () => {
  it('are not run where nothing was', async () => {
    const claim = await claimsOf({ config: mlp });
    expect(claim('Fitting takes longer').seen).toBe('not run');
    expect(claim('SGD from zero').seen).toBe('not run');
  });

  it('say of the time to fit what the runs say', async () => {
    const longer = await claimsOf(
      { config: mlp, train: fittedAfter(4) },
      { config: random, train: fittedAfter(6) },
    );
    expect(longer('Fitting takes longer')).toMatchObject({
      seen: 'yes',
      evidence: 'MLP 1×512: 1.50 × at p = 0 … 1',
    });
    const shorter = await claimsOf(
      { config: mlp, train: fittedAfter(6) },
      { config: random, train: fittedAfter(4) },
    );
    expect(shorter('Fitting takes longer').seen).toBe('no');
  });

  it('hear one line for each network: that with the most runs', async () => {
    const seeds = (config: object, epochs: number) =>
      [0, 1, 2].map((seed) => ({ config: { ...config, seed }, train: fittedAfter(epochs) }));
    const rate = { train: { learningRate: 0.5 }, data: { limit: 500 } };
    const claim = await claimsOf(
      { config: { ...mlp, ...rate }, train: fittedAfter(6) },
      { config: { ...random, ...rate }, train: fittedAfter(4) },
      ...seeds(mlp, 4),
      ...seeds(random, 5),
    );
    expect(claim('Fitting takes longer')).toMatchObject({
      seen: 'yes',
      evidence: 'MLP 1×512: 1.25 × at p = 0 … 1',
    });
  });

  it('hold the test accuracy of random labels against a guess', async () => {
    const guess = await claimsOf({ config: random, test: 0.1 });
    expect(guess('Trained on random labels').seen).toBe('yes');
    const better = await claimsOf({ config: random, test: 0.3 });
    expect(better('Trained on random labels').seen).toBe('no');
  });

  it('let test errors grow only where trainings went to their end', async () => {
    const early = { train: { stop: { accuracy: 0.95, patience: 1 } } };
    const whole = await claimsOf({ config: mlp, test: 0.5 }, { config: random, test: 0.1 });
    expect(whole('Test error grows')).toMatchObject({
      seen: 'yes',
      evidence: 'MLP 1×512: 50.0 % to 90.0 % at p = 0 … 1',
    });
    const stopped = await claimsOf(
      { config: { ...mlp, ...early }, test: 0.5 },
      { config: { ...random, ...early }, test: 0.1 },
    );
    expect(stopped('Test error grows').seen).toBe('not run');
  });
});
