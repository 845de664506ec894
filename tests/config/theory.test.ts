import { describe, expect, it } from 'vitest';
import { loadExperiment } from '../../src/config/experiment.js';
import { configHash } from '../../src/config/hash.js';
import { portableConfig } from '../../src/config/portable.js';
import { EXPERIMENTS } from '../../src/config/schema.js';
import type { ExperimentRow, TheoryExperiment } from '../../src/config/theory.js';
import { THEORY_EXPERIMENTS } from '../../src/theory/index.js';

const resolve = async (config: object) => (await loadExperiment(config)).trials[0]!.config;

describe('theory', () => {
  it('has defaults where there is an experiment of the theory, and is absent elsewhere', async () => {
    expect((await resolve({ experiment: 'theorem1' })).theory).toMatchObject({
      depth: 2,
      ridge: 0,
    });
    expect((await resolve({})).theory).toBeUndefined();
  });

  it.each([
    [{ theory: { depth: 3 } }, 'theory.depth is for experiment theorem1, and experiment is train.'],
    [
      { experiment: 'linear', theory: { ridge: 1 } },
      'theory.ridge is for experiment kernels, and experiment is linear.',
    ],
    [
      { experiment: 'kernels', theory: { filters: 8 } },
      'theory.filters is for theory.features=random-conv.',
    ],
    [{ experiment: 'kernels', theory: { ridgee: 1 } }, 'theory.ridgee'],
    [{ experiment: 'theorem1', theory: { depth: 1 } }, 'theory.depth'],
  ])('refuses %j', async (config, message) => {
    await expect(loadExperiment(config)).rejects.toThrow(message);
  });

  it.each([
    { experiment: 'theorem1', theory: { depth: 5 } },
    { experiment: 'kernels', theory: { features: 'random-conv', filters: 64, bandwidths: [1] } },
    { experiment: 'kernels', data: { name: 'mnist', split: { from: 'test', train: 8, test: 2 } } },
    { experiment: 'rademacher', theory: { draws: 7 } },
    { experiment: 'linear' },
  ])('resolves to itself from config.json: %j', async (given) => {
    const config = await resolve({ name: 'a', ...given });
    expect(await resolve(portableConfig(config))).toEqual(config);
  });

  it.each(EXPERIMENTS)('gives the experiment %s the same hash again', async (experiment) => {
    const config = await resolve({ name: 'a', experiment });
    expect(configHash(await resolve(portableConfig(config)))).toBe(configHash(config));
  });

  it('has a whole row and a function for every experiment: less does not compile', () => {
    const { linear, ...others } = THEORY_EXPERIMENTS;
    // @ts-expect-error An experiment without its function.
    const incomplete: Record<TheoryExperiment, typeof linear> = others;
    // @ts-expect-error A row that doesn't say which engine it needs.
    const noEngine: ExperimentRow = { keys: [], trains: false };
    expect([incomplete, noEngine].map((rows) => 'linear' in rows)).toEqual([false, false]);
    expect(['train', ...Object.keys(THEORY_EXPERIMENTS)]).toEqual([...EXPERIMENTS]);
  });

  it('belongs to what an experiment is', async () => {
    const [a, b] = [{ depth: 2 }, { depth: 3 }].map((theory) => ({
      experiment: 'theorem1',
      theory,
    }));
    expect(configHash(await resolve(a!))).not.toBe(configHash(await resolve(b!)));
  });
});
