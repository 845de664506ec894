import { expect, it } from 'vitest';
import { loadExperiment } from '../../src/config/experiment.js';
import { shippedConfigs } from '../../src/config/file/shipped.js';
import type { Config } from '../../src/config/resolve.js';
import { requireResolved } from '../../src/config/resolved.js';

const experiment = await loadExperiment('quickstart');
const config = experiment.trials[0]!.config;
const HINT =
  'Take the config of a trial of loadExperiment, which reads a file, a name or an object.';

const check = (given: unknown) => requireResolved(given, 'runExperiment');

it.each(shippedConfigs())('takes every trial of %s', async (name) => {
  for (const trial of (await loadExperiment(name)).trials) await check(trial.config);
});

it('takes one that a program has changed', async () => {
  await check({ ...config, seed: 5, name: 'other', train: { ...config.train, epochs: 3 } });
  await check({ ...config, train: { ...config.train, stop: null }, corruption: [] });
});

it.each([
  ['a path', 'configs/quickstart.yaml', '"configs/quickstart.yaml" (string)'],
  ['nothing', undefined, 'nothing (null)'],
  ['null', null, 'nothing (null)'],
  ['a number', 3, '3 (number)'],
  ['a function', loadExperiment, 'a function'],
  ['a list', [config], 'a config as it is written'],
  ['an experiment', experiment, 'a whole experiment'],
  ['a promise', Promise.resolve(config), 'a config as it is written'],
  ['a trial', experiment.trials[0], 'a trial'],
  ['an empty object', {}, 'a config as it is written'],
  ['a config as it is written', { model: { name: 'mlp' } }, 'a config as it is written'],
  ['a wrong config as it is written', { modle: 3 }, 'a config as it is written'],
])('refuses %s, and says what it is', async (_, given, what) => {
  await expect(check(given)).rejects.toMatchObject({
    name: 'RethinkError',
    kind: 'usage',
    message: expect.stringContaining(`runExperiment takes a resolved config, not ${what}`),
    hint: HINT,
  });
});

it.each(Object.keys(config).filter((key) => !['name', 'experiment', 'seeds'].includes(key)))(
  'names %s where it is missing',
  async (key) => {
    const { [key as keyof Config]: _, ...rest } = config;
    await expect(check(rest)).rejects.toThrow(
      `runExperiment takes a resolved config, not this one: ${key} is missing.`,
    );
  },
);

it('names what is missing within a section', async () => {
  const { learningRate: _, ...train } = config.train;
  await expect(check({ ...config, train })).rejects.toThrow(
    'runExperiment takes a resolved config, not this one: train.learningRate is missing.',
  );
});

it('says what is wrong with a value as it does of any config', async () => {
  const wrong = { ...config, train: { ...config.train, epochs: -1 } };
  await expect(check(wrong)).rejects.toThrow(/train\.epochs must be .*, not -1/);
  await expect(check({ ...config, experiment: 'trian' })).rejects.toThrow(/experiment must be/);
});
