import { describe, expect, it } from 'vitest';
import { loadExperiment } from '../../src/config/experiment.js';
import { flatConfig, valuesAt } from '../../src/config/flat.js';
import { portableConfig } from '../../src/config/portable.js';
import { sweptKeys, sweptValues } from '../../src/config/swept.js';

async function flat(config: object, overrides: string[] = []) {
  const { trials } = await loadExperiment({ name: 'x', ...config }, { overrides });
  return flatConfig(JSON.parse(JSON.stringify(portableConfig(trials[0]!.config))));
}

describe('a flat config', () => {
  it('has leaves by their paths, and short names beside what they mean', async () => {
    const config = await flat({
      model: { name: 'mlp', hidden: [512, 512] },
      corruption: { kind: 'partial-labels', fraction: 0.4 },
      regularization: { augment: 'full' },
    });
    expect(config.get('model.hidden')).toEqual([512, 512]);
    expect(config.get('corruption.kind')).toBe('partial-labels');
    expect(config.get('corruption.fraction')).toBe(0.4);
    expect(config.get('regularization.augment')).toBe('full');
    expect(config.get('regularization.augment.rotation')).toBe(25);
    expect(config.get('train.stop')).toBe('fitted');
    expect(valuesAt(config, 'model')).toEqual(['mlp']);
    expect(valuesAt(config, 'corruption')).toEqual(['partial-labels']);
    expect((await flat({})).get('corruption.kind')).toBe('none');
    expect((await flat({ train: { stop: 'never' } })).get('train.stop')).toBe('never');
    expect((await flat({ train: { stop: { accuracy: 0.9 } } })).has('train.stop')).toBe(false);
  });

  it('has each of several corruptions, and all of them together', async () => {
    const config = await flat({
      corruption: ['random-labels', { kind: 'shuffled-pixels', channels: 'apart' }]
        .slice(0, 1)
        .concat('gaussian'),
    });
    expect(config.get('corruption.kind')).toBe('random-labels + gaussian');
    expect(valuesAt(config, 'corruption.kind')).toEqual([
      'random-labels + gaussian',
      'random-labels',
      'gaussian',
    ]);
    expect(valuesAt(config, 'corruption.1.kind')).toEqual(['gaussian']);
  });

  it('takes whatever a stranger wrote', () => {
    const config = flatConfig(
      JSON.parse(
        '{"__proto__":{"a":1},"constructor":2,"x":[[],[{}],null,{"":3}],"corruption":[null,3]}',
      ),
    );
    expect(config.get('__proto__.a')).toBe(1);
    expect(config.get('constructor')).toBe(2);
    expect(config.get('x.3.')).toBe(3);
    expect(Object.getPrototypeOf(config)).toBe(Map.prototype);
  });
});

describe('what was swept', () => {
  it('is where configs differ, without what follows from another key', async () => {
    const configs = await Promise.all(
      ['mlp', 'inception'].flatMap((model) =>
        [0, 1].map((seed) =>
          flat({
            model: { name: model },
            seed,
            name: `${model}-${seed}`,
            record: { steps: seed === 1 },
          }),
        ),
      ),
    );
    // The learning rates differ as well, as do derived seeds and what only one of the models has.
    expect(configs[0]!.get('train.learningRate')).not.toBe(configs[2]!.get('train.learningRate'));
    expect(sweptKeys(configs)).toEqual(['model.name', 'seed']);
    expect(sweptValues(configs[3]!, ['model.name', 'seed', 'data.limit'])).toEqual([
      ['model.name', 'inception'],
      ['seed', 1],
    ]);
  });

  it('has a learning rate, a seed and a key of a model that somebody chose', async () => {
    const base = { model: { name: 'mlp' } };
    const others = [
      [{ ...base, train: { learningRate: 0.5 } }, ['train.learningRate']],
      [{ ...base, seeds: { init: 7 } }, ['seeds.init']],
      [{ model: { name: 'mlp', hidden: [3] } }, ['model.hidden']],
      [{ ...base, data: { limit: 1000 } }, ['data.limit']],
      [{ ...base, corruption: 'random-labels' }, ['corruption.kind']],
      [{ ...base, corruption: ['gaussian', 'random-labels'] }, ['corruption.kind']],
      [{ ...base, regularization: { augment: 'crop' } }, ['regularization.augment']],
      [
        { ...base, regularization: { augment: { rotation: 1 } } },
        ['regularization.augment.rotation'],
      ],
      [
        {
          ...base,
          loss: { correction: 'forward', transition: 'known' },
          corruption: 'random-labels',
        },
        ['corruption.kind', 'loss.correction'],
      ],
      [{ ...base, loss: { name: 'gce' } }, ['loss.name']],
      [{ ...base, train: { schedule: { name: 'cosine' } } }, ['train.schedule.name']],
      [{ ...base, train: { optimizer: { name: 'adam' } } }, ['train.optimizer.name']],
    ] as const;
    for (const [other, keys] of others) {
      expect(sweptKeys([await flat(base), await flat(other)]), JSON.stringify(other)).toEqual(keys);
    }
  });

  it('is nothing where there is one, or all are alike', async () => {
    expect(sweptKeys([])).toEqual([]);
    expect(sweptKeys([await flat({})])).toEqual([]);
    expect(sweptKeys([await flat({}), await flat({ name: 'y' })])).toEqual([]);
  });

  it('does not take for a difference what an earlier version left out and had by default', async () => {
    const now = await flat({});
    const before = new Map(
      [...now].filter(([key]) => !['engine.deterministic', 'train.decay'].includes(key)),
    );
    expect(sweptKeys([now, before])).toEqual([]);
    const other = await flat({ train: { decay: 0.5 } });
    expect(sweptKeys([other, before])).toEqual(['train.decay']);
  });
});
