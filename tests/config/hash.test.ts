import { describe, expect, it } from 'vitest';
import { loadExperiment } from '../../src/config/experiment.js';
import { canonicalJson, configHash } from '../../src/config/hash.js';

const hashOf = async (config: object) => configHash((await loadExperiment(config)).base!);

describe('configHash', () => {
  it('is the same for the same experiment, however it was written', async () => {
    const short = await hashOf({ corruption: 'random-labels' });
    expect(short).toMatch(/^[0-9a-f]{64}$/);
    expect(await hashOf({ corruption: [{ kind: 'random-labels', fraction: 1 }], seed: 0 })).toBe(
      short,
    );
    expect(
      await hashOf({
        name: 'other',
        corruption: 'random-labels',
        record: { steps: false },
        engine: { device: 3, devices: 2 },
      }),
    ).toBe(short);
  });

  it('is not changed by what came later and is off', async () => {
    // Of version 0.1.0: a run must still be found, and resumed, by what it was then.
    expect((await hashOf({})).slice(0, 8)).toBe('b84da1a1');
  });

  it.each([
    { seed: 1 },
    { data: { limit: 5 } },
    { engine: { threads: 1 } },
    { train: { stop: 'never' } },
  ])('changes with %j', async (config) => {
    expect(await hashOf(config)).not.toBe(await hashOf({}));
  });
});

describe('canonicalJson', () => {
  it('orders keys at every depth and keeps the order of lists', () => {
    expect(canonicalJson({ b: [{ d: 1, c: undefined, a: 2 }, 1], a: null })).toBe(
      '{"a":null,"b":[{"a":2,"d":1},1]}',
    );
  });
});
