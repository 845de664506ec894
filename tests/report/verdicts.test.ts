import { describe, expect, it } from 'vitest';
import { type FakeRun, measuredRows, reportOf, wholeBudget } from './helpers.js';

/** A run of Table 1's or 4's cell, as the paper did it, and with something else. */
const inception = (config: object = {}, run: Partial<FakeRun> = {}): FakeRun => ({
  config: { train: { stop: 'never' }, ...config },
  train: wholeBudget(1),
  test: 0.86,
  ...run,
});

async function table1(...runs: FakeRun[]) {
  return measuredRows((await reportOf(...runs)).one);
}
async function table4(...runs: FakeRun[]) {
  return measuredRows((await reportOf(...runs)).four);
}

/** Evaluations, the last two of which have all right. */
const fittedAt = (epochs: number) =>
  Array.from({ length: epochs }, (_, i) => (i < epochs - 2 ? 0.5 : 1));

describe('what a verdict is given for', () => {
  const never = { stop: 'never' };
  const wd = (weightDecay: number, augment = 'none') => ({
    regularization: { weightDecay, augment },
  });
  const augmented = (augment: object) => ({
    corruption: 'random-labels',
    train: { stop: 'never', decay: 0.999 },
    regularization: { augment },
  });

  it('has a plain one where all is the paper’s', async () => {
    for (const config of [
      {},
      wd(5e-4),
      wd(5e-4, 'crop'),
      { train: { ...never, decayEvery: 390 } },
    ]) {
      const rows = await table1(inception(config));
      const test = rows.find(({ accuracy }) => accuracy === 'test')!;
      expect(test).toMatchObject({ because: '', taken: 'last epoch', seeds: '1', n: '50,000' });
      expect(test.verdict).toMatch(/^(within tolerance|off)$/);
      expect(test.conditions).toContain('open in the paper: ');
      expect(test.conditions).toContain('batch 128');
    }
  });

  it.each([
    ['the paper fixes', { train: { ...never, decayEvery: 100 } }, 'decay every 100 steps'],
    ['the paper fixes', { train: { ...never, momentum: 0.5 } }, 'momentum 0.5'],
    ['the paper fixes', { train: { ...never, decay: 0.9 } }, 'decay 0.9'],
    ['the paper fixes', { data: { crop: 24 } }, 'crop 24'],
    ['others have chosen', wd(0.05), 'weight decay 0.05'],
    ['others have chosen', { model: { batchNormDecay: 0.999 } }, 'BatchNorm decay 0.999'],
    ['others have chosen', { model: { batchNormEpsilon: 0.1 } }, 'BatchNorm ε 0.1'],
    ['others have chosen', { train: { ...never, batchSize: 64 } }, 'batch 64'],
    [
      'others have chosen',
      { model: { name: 'alexnet', lrn: { alpha: 1 } } },
      'local response normalization radius 4, bias 1, alpha 1, beta 0.75',
    ],
  ])('names what is not what %s', async (whose, config, because) => {
    const given = 'train' in config ? config : { ...config, train: never };
    for (const row of await table1(inception(given))) {
      expect(row.because).toBe(because);
      const text = whose === 'the paper fixes' ? 'scaled: not comparable' : /^not strictly compar/;
      expect(row.verdict).toMatch(text);
    }
  });

  it.each([
    ['full', '', 'augmentation with crop'],
    [{ flip: true, rotation: 25 }, '', 'augmentation without crop'],
    [{ crop: true, flip: true, rotation: 1 }, 'rotation up to 1°', 'augmentation with crop'],
    [{ rotation: 25 }, null, null],
  ])('reads the augmentation of Table 4 either way: %j', async (augment, because, open) => {
    const rows = await table4(inception(augmented(augment as object)));
    if (because === null) return expect(rows).toEqual([]);
    expect(rows).toMatchObject([{ regularizers: 'full augmentation', because }]);
    expect(rows[0]!.conditions).toContain(open);
    expect(rows[0]!.verdict).toBe(because === '' ? 'within tolerance' : 'scaled: not comparable');
  });

  it('asks for the decay of the cell', async () => {
    const usual = { ...augmented({}), train: never, regularization: { augment: 'crop' } };
    expect(await table4(inception(usual))).toMatchObject([{ because: 'decay 0.95' }]);
  });

  it('names reduced precision, and judges all the same', async () => {
    for (const row of await table1(
      inception({ engine: { precision: 'bfloat16' }, train: never }),
    )) {
      expect(row).toMatchObject({ verdict: 'within tolerance', because: 'precision bfloat16' });
    }
  });

  it('knows the weight decay of MLPs by either of the usual coefficients', async () => {
    const mlp = (weightDecay: number) =>
      inception({ model: { name: 'mlp' }, ...wd(weightDecay), train: never }, { test: 0.5 });
    for (const coefficient of [5e-4, 1e-4]) {
      const rows = await table1(mlp(coefficient));
      expect(rows.map(({ verdict }) => verdict)).toEqual(['within tolerance', 'within tolerance']);
      expect(rows[0]!.conditions).toContain(`weight decay ${coefficient}`);
    }
    expect((await table1(mlp(2e-4)))[0]!.because).toBe('weight decay 0.0002');
  });
});

describe('a training that ended when all was fitted', () => {
  const random = { corruption: 'random-labels', train: {} };

  it.each([50, 63])('at epoch %i has what Table 4 says', async (epochs) => {
    const config = { ...random, regularization: { weightDecay: 5e-4 } };
    const rows = await table4({ config, train: fittedAt(epochs), outcome: 'fitted' });
    expect(rows).toMatchObject([
      {
        verdict: 'within tolerance',
        because: `ended when all was fitted, after ${epochs} epochs`,
        taken: 'when fitted',
      },
    ]);
  });

  it('has Table 1’s training accuracy, and its test accuracy where that is a guess', async () => {
    const [train, test] = await table1({
      config: random,
      train: fittedAt(30),
      test: 0.1,
      outcome: 'fitted',
    });
    expect([train!.verdict, test!.verdict]).toEqual(['within tolerance', 'within tolerance']);
  });

  it('has no test accuracy of true labels to hold against a whole budget', async () => {
    const run = { config: { train: {} }, test: 0.86, outcome: 'fitted' } as const;
    const [train, test] = await table1({ ...run, train: fittedAt(50) });
    const ended = 'ended when all was fitted, after 50 epochs';
    expect(train).toMatchObject({ verdict: 'within tolerance', because: ended });
    expect(test).toMatchObject({
      verdict: 'scaled: not comparable',
      because: 'ended when all was fitted, after 50 epochs',
    });
    const late = await table1({ ...run, train: fittedAt(64) });
    expect(late.map(({ verdict }) => verdict)).toEqual(['within tolerance', 'within tolerance']);
  });

  it('has reached nothing where it was stopped before', async () => {
    const stop = { accuracy: 0.95, patience: 1 };
    for (const epochs of [20, 70]) {
      const rows = await table1({
        config: { train: { stop } },
        train: Array(epochs).fill(0.99),
        outcome: 'fitted',
      });
      for (const { verdict } of rows) expect(verdict).toBe('scaled: not comparable');
    }
  });
});

describe('seeds', () => {
  const seeds = (...trains: number[]) =>
    trains.map((last, seed) => inception({ seed }, { train: wholeBudget(last) }));

  it('that did not converge are told in their row', async () => {
    const [train] = await table1(...seeds(1, 1, 0.6));
    expect(train).toMatchObject({ verdict: '1 of 3 did not converge; off', seeds: '3' });
    const [all] = await table1(...seeds(0.6, 0.5));
    expect(all!.verdict).toBe('did not converge');
  });

  it('of AlexNet that converge beside others are no failure as in the paper', async () => {
    const alexnet = seeds(0.11, 1).map((run) => ({
      ...run,
      config: {
        ...run.config,
        model: { name: 'alexnet' },
        corruption: 'random-labels',
        regularization: { weightDecay: 5e-4 },
      },
    }));
    const [row] = await table4(...alexnet);
    expect(row!.verdict).toBe('1 of 2 did not converge, in the paper none');
  });

  it('that are still to come are not in the mean', async () => {
    const [train] = await table1(
      ...seeds(1, 1),
      inception({ seed: 2 }, { state: 'running', train: [0.1] }),
    );
    expect(train).toMatchObject({
      measured: '100.00 (100.00–100.00)',
      seeds: '2',
      verdict: 'within tolerance',
      because: '1 not counted: running',
    });
  });

  it.each([
    ['threads', { engine: { threads: 2 } }],
    ['folder of the data', { data: { dir: '/elsewhere' } }],
    ['name and records', { name: 'again', record: { tensorboard: false } }],
    ['device and mode', { engine: { device: 1, deterministic: true } }],
    ['seeds, written out', { seeds: {} }],
  ])('made twice are one: another %s', async (_what, config) => {
    const [train] = await table1(inception(), inception({ seed: 1 }), inception({ ...config }));
    expect(train).toMatchObject({ seeds: '2' });
  });

  it('of corruptions count where something is corrupted', async () => {
    const differing = (corruption: string) => [
      inception({ corruption, seeds: { corruption: 1 } }),
      inception({ corruption, seeds: { corruption: 2 } }),
    ];
    expect((await table1(...differing('none')))[0]).toMatchObject({ seeds: '1' });
    expect((await table1(...differing('random-labels')))[0]).toMatchObject({ seeds: '2' });
  });
});

describe('Table 2', () => {
  const whole = { train: 1_281_167, test: 50_000, full_train: 1_281_167, full_test: 50_000 };
  const v3 = (config: object = {}, run: Partial<FakeRun> = {}): FakeRun => ({
    config: {
      data: { name: 'imagenet', size: 320, crop: 299 },
      model: { name: 'inception-v3' },
      train: { stop: 'never' },
      ...config,
    },
    train: wholeBudget(0.99),
    tests: Array(64).fill(0.6),
    data: { ...whole, classes: 1000 },
    ...run,
  });
  const because = async (run: FakeRun) => {
    const rows = measuredRows((await reportOf(run)).two);
    expect(rows).toHaveLength(4);
    return [...new Set(rows.map((row) => row.because))];
  };

  it('looks at epochs, size and rate', async () => {
    const small = { data: { name: 'imagenet', size: 64 } };
    expect(await because(v3())).toEqual(['']);
    expect(await because(v3({}, { train: [0.5], tests: [0.4] }))).toEqual(['1 epoch']);
    expect(await because(v3({ ...small, model: { name: 'inception' } }))).toEqual([
      'Inception, 64×64 pixels',
    ]);
    const rate = { train: { stop: 'never', learningRate: 0.5 } };
    expect(await because(v3(rate))).toEqual(['learning rate 0.5']);
    const part = { ...whole, train: 1000, classes: 1000 };
    expect(await because(v3({}, { data: part }))).toEqual(['n = 1,000']);
    const flipped = { regularization: { augment: { flip: true } } };
    expect((await because(v3(flipped)))[0]).toBe(
      'no random crop, brightness 0, contrast 0, saturation 0, hue 0',
    );
  });

  it.each([
    ['official', ''],
    ['imported', 'images were encoded anew'],
    ['images', "images are not known to be the authors' bytes"],
  ])('takes the origin for what it is: %s', async (origin, text) => {
    expect(await because(v3({}, { data: { ...whole, classes: 1000, origin } }))).toEqual([text]);
  });

  it('has room for half of a small number alone', async () => {
    const random = { corruption: 'random-labels' };
    const top1 = async (test: number) => {
      const run = v3(random, { train: wholeBudget(0.95), tests: Array(64).fill(test) });
      return measuredRows((await reportOf(run)).two).find((row) => row.accuracy === 'top-1 test')!;
    };
    expect((await top1(0.001)).verdict).toBe('within tolerance †');
    expect((await top1(0.015)).verdict).toBe('off †');
  });
});

describe('Table 3', () => {
  const kernels = (config: object = {}, theory: object = {}, data: object = {}): FakeRun => ({
    config: { experiment: 'kernels', data: { name: 'mnist' }, ...config },
    theory: {
      features: 'pixels',
      ridge: 0,
      filters: null,
      test_error: 0.012,
      norm: 220,
      ...theory,
    },
    data: { train: 60_000, full_train: 60_000, ...data },
  });
  const rows = async (...runs: FakeRun[]) =>
    measuredRows((await reportOf(...runs)).three).filter(({ what }) => what === 'test error');

  it.each([
    'random-labels',
    'gaussian',
    'shuffled-pixels',
    [{ kind: 'random-pixels', fraction: 0.5 }],
  ])('has no rows of corrupted data: %j', async (corruption) => {
    expect(await rows(kernels({ corruption }))).toEqual([]);
    const nothing = [{ kind: 'random-pixels', fraction: 0 }];
    expect(await rows(kernels({ corruption: nothing }))).toHaveLength(1);
  });

  it('names size and preprocessing', async () => {
    const whitened = 'images whitened (the paper: no preprocessing)';
    expect(await rows(kernels())).toMatchObject([
      { verdict: 'not strictly comparable: within tolerance', because: whitened, n: '60,000' },
    ]);
    const [small] = await rows(kernels({}, {}, { train: 8000 }));
    expect(small).toMatchObject({ verdict: 'scaled: not comparable', n: '8,000' });
    expect(small!.because).toBe(`n = 8,000, ${whitened}`);
    const cifar = { data: { name: 'cifar10' } };
    const size = { train: 50_000, full_train: 50_000 };
    const [cropped] = await rows(kernels(cifar, { test_error: 0.46 }, size));
    expect(cropped!.because).toBe(`center crop 28, ${whitened}`);
  });

  it('takes a kernel with 2 % for another than one with 0.6 %', async () => {
    const gabor = { theory: { features: 'gabor' } };
    const [row] = await rows(kernels(gabor, { features: 'gabor', test_error: 0.02 }));
    expect(row!.verdict).toBe('not strictly comparable: off');
  });

  it('has MNIST with ℓ2, which improves nothing', async () => {
    const [row] = await rows(kernels({ theory: { ridge: 0.1 } }, { ridge: 0.1 }));
    expect(row).toMatchObject({ ℓ2: 'yes', paper: 'no better than 1.20' });
  });

  it('puts seeds together, and a run made twice is one', async () => {
    const found = await rows(
      kernels({ seed: 0 }, { test_error: 0.012 }),
      kernels({ seed: 1 }, { test_error: 0.014 }),
      kernels({ seed: 1, name: 'again' }, { test_error: 0.014 }),
    );
    expect(found).toMatchObject([{ measured: '1.30 (1.20–1.40)', seeds: '2' }]);
  });
});
