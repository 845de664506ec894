import { describe, expect, it } from 'vitest';
import { type FakeRun, reportOf, wholeBudget } from './helpers.js';

async function claimsOf(...given: FakeRun[]) {
  const { claims } = await reportOf(...given);
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
      evidence: 'MLP 1×512: 1.50 × at p = 0 … 1 (n = 50,000, 1 seed each)',
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
      evidence: 'MLP 1×512: 1.25 × at p = 0 … 1 (n = 50,000, 3 seeds each)',
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
      evidence: 'MLP 1×512: 50.0 % to 90.0 % at p = 0 … 1 (n = 50,000, 1 seed each)',
    });
    const stopped = await claimsOf(
      { config: { ...mlp, ...early }, test: 0.5 },
      { config: { ...random, ...early }, test: 0.1 },
    );
    expect(stopped('Test error grows').seen).toBe('not run');
  });
});

/** Runs at p = 0 and above, each fitted after so many evaluations; `null`: never, in 64. */
const shares = (epochs: Record<string, number | null>, more: Partial<FakeRun> = {}) =>
  Object.entries(epochs).map(([fraction, count]) => ({
    config: { ...mlp, corruption: { kind: 'partial-labels', fraction: Number(fraction) } },
    train: count === null ? wholeBudget(0.5) : fittedAfter(count),
    ...more,
  }));

describe('that fitting takes longer, by a small factor', () => {
  it.each([
    ['1.5 times', { 0: 4, 1: 6 }, 'yes'],
    ['4 times', { 0: 10, 0.5: 20, 1: 40 }, 'yes'],
    ['2,000 times', { 0: 1, 1: 2000 }, 'no'],
    ['5 times, in between', { 0: 10, 0.5: 60, 1: 70 }, 'no'],
    ['never, after four times as long', { 0: 10, 1: null }, 'no'],
    ['never, not yet as long', { 0: 30, 1: null }, 'not run'],
    ['nobody knows how long true labels take', { 0: null, 1: 6 }, 'not run'],
    ['there are no true labels', { 0.5: 4, 1: 6 }, 'not run'],
  ])('is judged by both: %s', async (_what, epochs, seen) => {
    const claim = await claimsOf(...shares(epochs));
    expect(claim('Fitting takes longer').seen).toBe(seen);
  });

  it('takes no heed of the seeds that were fitted alone', async () => {
    const [base, ...noisy] = shares({ 0: 10, 1: 12 });
    const failing = { ...noisy[0]!, train: wholeBudget(0.5) };
    const other = { ...failing, config: { ...failing.config, seed: 1 } };
    const claim = await claimsOf(base!, noisy[0]!, other);
    expect(claim('Fitting takes longer').seen).toBe('no');
  });

  it('has one point at p = 0, however that is written', async () => {
    const none = [
      'none',
      { kind: 'random-pixels', fraction: 0 },
      [],
      [{ kind: 'flip-labels', fraction: 0 }],
    ];
    const same = none.map((corruption) => ({
      config: { ...mlp, corruption },
      train: fittedAfter(4),
    }));
    const claim = await claimsOf(...same, ...shares({ 0: 4, 1: 6 }));
    expect(claim('Fitting takes longer').evidence).toBe(
      'MLP 1×512: 1.50 × at p = 0 … 1 (n = 50,000, 1 seed each)',
    );
  });

  it('has one point at p = 1, however that is written', async () => {
    const [clean, partial] = shares({ 0: 4, 1: 6 });
    const claim = await claimsOf(clean!, partial!, { config: random, train: fittedAfter(6) });
    expect(claim('Fitting takes longer').evidence).toContain('1 seed each');
    expect(claim('Networks fit').evidence).toContain('random labels: 1 of 1');
  });
});

const saying = 'Trained on random labels';

describe('trainings of one network', () => {
  it('are named by their regularizers, else by what else tells them apart', async () => {
    const configs = [
      random,
      { ...random, regularization: { weightDecay: 0.0005 } },
      { ...random, train: { initGain: 0.5 } },
    ];
    const claim = await claimsOf(...configs.map((config) => ({ config, train: fittedAfter(6) })));
    const told = (text: string, more: string) => `MLP 1×512${text}: ${more}`;
    const networks = claim('Networks fit').evidence;
    const guess = claim(saying).evidence;
    expect(networks).toContain(told(', weight decay 0.0005, random labels', '1 of 1'));
    expect(networks).toContain(told(', random labels, initGain 0.5', '1 of 1'));
    expect(guess).toContain(told(', weight decay 0.0005', '50.0 %'));
    expect(guess).toContain(told(', initGain none', '50.0 %'));
    expect(new Set(networks.split('; ')).size).toBe(3);
  });
});

describe('runs that say nothing to a claim', () => {
  it.each([
    ['running', { state: 'running' as const, train: [0.1] }, '1 running'],
    ['interrupted', { state: 'interrupted' as const, train: [1, 1] }, '1 interrupted'],
    ['short', { train: [0.1, 0.2] }, '1 not fitted in under 64 epochs'],
  ])('are told and not weighed: %s', async (_what, run, told) => {
    const alone = await claimsOf({ config: random, ...run });
    expect(alone('Networks fit')).toMatchObject({
      seen: 'not run',
      evidence: `not weighed: ${told}`,
    });
    expect(alone(saying)).toMatchObject({ seen: 'not run' });
    const beside = await claimsOf({ config: random, ...run }, { config: { ...random, seed: 1 } });
    expect(beside('Networks fit')).toMatchObject({ seen: 'yes' });
    expect(beside('Networks fit').evidence).toContain(
      `1 of 1 (n = 50,000, 1 seed); not weighed: ${told}`,
    );
  });

  it('have not learned random labels by heart, and guess all the same', async () => {
    const claim = await claimsOf({ config: random, train: wholeBudget(0.5), test: 0.1 });
    expect(claim(saying)).toMatchObject({
      seen: 'not run',
      evidence: 'not weighed: 1 not fitted to 99 %',
    });
    expect(claim('Networks fit').seen).toBe('no');
  });

  it('are AlexNet’s that fail in the paper, too', async () => {
    const config = { ...random, model: { name: 'alexnet' }, regularization: { weightDecay: 5e-4 } };
    const claim = await claimsOf({ config, train: wholeBudget(0.1) });
    expect(claim('Networks fit').seen).toBe('not run');
  });
});

describe('that pixels are fitted before labels', () => {
  const pixels = { ...mlp, corruption: 'gaussian' };
  const labels = (train: number[]) => ({ config: random, train });

  it.each([
    ['sooner', fittedAfter(4), fittedAfter(6), 'yes'],
    ['at once', fittedAfter(6), fittedAfter(6), 'no'],
    ['never, and labels are', wholeBudget(0.5), fittedAfter(6), 'no'],
    ['and labels never', fittedAfter(6), wholeBudget(0.5), 'yes'],
    ['neither ever', wholeBudget(0.5), wholeBudget(0.5), 'not run'],
  ])('%s', async (_what, own, others, seen) => {
    const claim = await claimsOf({ config: pixels, train: own }, labels(others));
    expect(claim('Random pixels').seen).toBe(seen);
  });
});

describe('what BatchNorm does', () => {
  const whole = (batchNorm: boolean, test: number, more: Partial<FakeRun> = {}): FakeRun => ({
    config: { model: { name: 'inception', batchNorm }, train: { stop: 'never' } },
    test,
    ...more,
  });

  it.each([
    [0.1, 'no'],
    [3.5, 'yes'],
    [10, 'no'],
    [-3.5, 'no'],
  ])('adds %d points: %s', async (points, seen) => {
    const claim = await claimsOf(whole(true, 0.82 + points / 100), whole(false, 0.82));
    expect(claim('BatchNorm adds').seen).toBe(seen);
  });

  it('is not seen where trainings ended at their fit', async () => {
    const fitted = { outcome: 'fitted' } as const;
    const claim = await claimsOf(whole(true, 0.855, fitted), whole(false, 0.82, fitted));
    expect(claim('BatchNorm adds')).toMatchObject({
      seen: 'not run',
      evidence: 'not weighed: 2 ended when all was fitted',
    });
  });

  it('steadies the test accuracy, or does not', async () => {
    const moving = (by: number) => ({ train: [0.5, 0.9, 1], tests: [0.5, 0.5 + by, 0.5] });
    const steadier = await claimsOf(whole(true, 0, moving(0.01)), whole(false, 0, moving(0.1)));
    expect(steadier('BatchNorm makes').seen).toBe('yes');
    const rougher = await claimsOf(whole(true, 0, moving(0.1)), whole(false, 0, moving(0.01)));
    expect(rougher('BatchNorm makes').seen).toBe('no');
  });
});

describe('claims of the theory', () => {
  const theory = (experiment: string, findings: object, config: object = {}): FakeRun => ({
    config: { experiment, data: { name: 'cifar10' }, ...config },
    theory: findings,
  });
  const sgd = (findings: object) =>
    theory('linear', {
      n: 500,
      batch_size: 128,
      steps: 5000,
      relative_distance: 0.01,
      relative_residual: 1e-3,
      outside_span: 1e-13,
      ...findings,
    });

  it.each([
    ['in small batches', {}, 'yes'],
    ['elsewhere', { relative_distance: 0.5 }, 'no'],
    ['all images at once', { batch_size: 500 }, 'not run'],
    ['not there yet', { relative_distance: 0.5, relative_residual: 0.3 }, 'not run'],
    ['of unknown batches', { batch_size: undefined }, 'not run'],
  ])('SGD goes to the minimum norm: %s', async (_what, findings, seen) => {
    const claim = (await claimsOf(sgd(findings)))('SGD from zero');
    expect(claim.seen).toBe(seen);
    expect(claim.evidence).toContain('relative distance');
  });

  it.each([
    ['fitted', { correlation: 0.999, vacuous: true, n: 1000 }, 'yes'],
    ['not fitted, of few images', { correlation: 0.1, vacuous: true, n: 10 }, 'no'],
  ])('networks fit random signs: %s', async (_what, findings, seen) => {
    const run = theory('rademacher', { draws: 3, gap_bound: 1.2, ...findings });
    expect((await claimsOf(run))('The networks fit random signs').seen).toBe(seen);
  });

  it.each([
    ['all', { fitted: 500, weights: 3352 }, 'yes'],
    ['all but one', { fitted: 499, weights: 3352 }, 'no'],
    ['with more weights', { fitted: 500, weights: 3353 }, 'no'],
    ['deeper', { fitted: 500, weights: 3352, depth: 3 }, 'not run'],
  ])('Theorem 1: %s', async (_what, findings, seen) => {
    const run = theory('theorem1', { n: 500, dimension: 2352, depth: 2, ...findings });
    expect((await claimsOf(run))('A two-layer').seen).toBe(seen);
  });

  it('count a run made twice once', async () => {
    const claim = await claimsOf(sgd({}), {
      ...sgd({}),
      config: { ...sgd({}).config, name: 'again' },
    });
    expect(claim('SGD from zero').evidence.match(/relative distance/g)).toHaveLength(1);
  });
});
