import { describe, expect, it } from 'vitest';
import { loadExperiment } from '../../src/config/experiment.js';
import { sweepOf } from '../../src/sweep/directory.js';
import { previewLaunch } from '../../src/sweep/launch/launch.js';
import { lacking, needsOf } from '../../src/sweep/needs.js';
import type { TrialRecord } from '../../src/sweep/types.js';
import { temporaryFolder } from '../helpers/temporary-folder.js';
import { TINY } from './helpers.js';

const load = async () =>
  loadExperiment({
    ...TINY,
    experiment: 'memorization',
    memorization: { members: 2 },
    sweep: { seeds: 2 },
    launcher: { kind: 'kubernetes', pack: 2, kubernetes: { image: 'any', claim: 'any' } },
  });

describe('what a trial needs', () => {
  it('is the members of its own experiment, and nothing for a training', async () => {
    const { trials } = sweepOf(await load());
    const needs = needsOf(trials);
    expect(needs).toEqual([[], [], [], [0, 1, 2], [], [], [], [4, 5, 6]]);
    const records = trials.map((trial): TrialRecord => ({ trial, state: 'waiting' }));
    expect(lacking(needs[3]!, records)).toBe(3);
    expect(lacking(needs[0]!, records)).toBe(0);
    // Of a part of a sweep, what it lacks never comes.
    expect(lacking(needsOf(trials.slice(1, 4))[2]!, records.slice(1, 4))).toBe(3);
  });

  it('is handed to a scheduler, and the experiment goes with the last of it', async () => {
    const experiment = await load();
    const definition = sweepOf(experiment);
    const preview = await previewLaunch(definition, {
      out: temporaryFolder(),
      launcher: experiment.launcher,
      estimate: async () => undefined,
    });
    const ids = definition.trials.map(({ id }) => id);
    const members = [0, 1, 2, 4, 5, 6].map((place) => ids[place]);
    expect(preview!.submission.tasks.flat()).toEqual(members);
  });
});
