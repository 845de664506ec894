import { describe, expect, it } from 'vitest';
import { loadExperiment } from '../../src/config/experiment.js';
import { configHash } from '../../src/config/hash.js';
import { membersOf, withMembers } from '../../src/config/members.js';
import { portableConfig } from '../../src/config/portable.js';

const load = async (config: object) => (await loadExperiment(config)).trials;
const first = async (config: object) => (await load(config))[0]!.config;

describe('the section memorization', () => {
  it('has the defaults of its authors, and is absent elsewhere', async () => {
    expect((await first({ experiment: 'memorization' })).memorization).toEqual({
      members: 200,
      fraction: 0.7,
      memorized: 0.25,
      influence: 0.15,
    });
    expect('memorization' in (await first({}))).toBe(false);
  });

  it.each([
    [{ memorization: { members: 5 } }, 'memorization.members is for experiment memorization'],
    [{ memorization: { fraction: 0.5 } }, 'memorization.fraction is for experiment memorization'],
    [{ experiment: 'linear', memorization: { members: 5 } }, 'and experiment is linear'],
    [
      { experiment: 'memorization', memorization: { member: 5 } },
      'memorization.member is for experiment train',
    ],
    [{ experiment: 'memorization', memorization: { members: 1 } }, 'memorization.members'],
    [{ experiment: 'memorization', memorization: { fraction: 0 } }, 'memorization.fraction'],
    [{ experiment: 'memorization', memorization: { fraction: 1 } }, 'memorization.fraction'],
    [{ experiment: 'memorization', theory: { steps: 5 } }, 'theory.steps is for experiment linear'],
  ])('refuses %j', async (config, told) => {
    await expect(load(config)).rejects.toMatchObject({
      kind: 'usage',
      message: expect.stringContaining(told),
    });
  });
});

describe('the networks of an experiment', () => {
  const config = {
    experiment: 'memorization',
    memorization: { members: 3 },
    sweep: { 'corruption.fraction': [0, 0.5] },
    corruption: { kind: 'flip-labels' },
  };

  it('stand before it, once', async () => {
    const trials = await load(config);
    const all = withMembers(trials);
    expect(all.map(({ label }) => label)).toEqual(
      ['corruption.fraction=0', 'corruption.fraction=0.5'].flatMap((label) => [
        ...[0, 1, 2, 3].map((member) => `${label},memorization.member=${member}`),
        label,
      ]),
    );
    expect(withMembers(all)).toEqual(all);
    expect(new Set(all.map(({ config }) => configHash(config))).size).toBe(10);
  });

  it('can be read back, and are the same however many there are', async () => {
    const [trial] = await load(config);
    const members = membersOf(trial!.config);
    for (const { config } of members)
      expect(configHash(await first(portableConfig(config)))).toBe(configHash(config));
    const [more] = await load({ ...config, memorization: { members: 5 } });
    expect(membersOf(more!.config).slice(0, 4)).toEqual(members);
    // An ordinary training on the whole set has the same hash as the one that members are compared with.
    const { sweep: _, experiment: __, memorization: ___, ...plain } = config;
    const whole = await first({ ...plain, corruption: { kind: 'flip-labels', fraction: 0 } });
    expect(configHash(members[0]!.config)).toBe(configHash(whole));
  });
});
