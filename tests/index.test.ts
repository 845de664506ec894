import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { expect, expectTypeOf, it } from 'vitest';
import {
  type Config,
  type ExperimentResult,
  loadExperiment,
  type RunResult,
  runExperiment,
  runSweep,
  sweepOf,
} from '../src/index.js';
import { temporaryFolder } from './helpers/temporary-folder.js';
import { TINY } from './sweep/helpers.js';

it('runs a sweep that nobody watches, and takes its finished trials as they are the next time', async () => {
  const out = temporaryFolder();
  const definition = sweepOf(await loadExperiment({ ...TINY, sweep: { seeds: 2 } }));
  const ended = { state: 'ended', result: { outcome: 'finished' } };
  const first = { ...ended, foundEarlier: false };
  expect(await runSweep(definition, { out })).toMatchObject([first, first]);
  expect(existsSync(join(out, 'tiny', 'trials.csv'))).toBe(true);
  const again = { ...ended, foundEarlier: true };
  expect(await runSweep(definition, { out })).toMatchObject([again, again]);
});

it('gives each kind of experiment its own result', async () => {
  const out = temporaryFolder();
  const { trials } = await loadExperiment({
    ...TINY,
    corruption: 'random-labels',
    experiment: 'theorem1',
  });
  const { config } = trials[0]!;
  expectTypeOf(config).toEqualTypeOf<Config>();
  if (config.experiment !== 'theorem1') throw new Error('loaded as another experiment');
  const { result } = await runExperiment(config, { out });
  expectTypeOf(result).toEqualTypeOf<ExperimentResult<'theorem1'>>();
  expectTypeOf<ExperimentResult<'train'>>().toEqualTypeOf<RunResult>();
  expect(result.fitted).toBe(60);
});

it('says in a sentence that a config is not resolved, and makes no run directory', async () => {
  const out = join(temporaryFolder(), 'results');
  await expect(runExperiment(TINY as unknown as Config, { out })).rejects.toThrow(
    'runExperiment takes a resolved config, not a config as it is written.',
  );
  expect(existsSync(out)).toBe(false);
});
