import { describe, expect, it } from 'vitest';
import { loadExperiment } from '../../src/config/experiment.js';
import { configJsonSchema, type JsonSchema, mappingOf } from '../../src/config/json-schema.js';
import type { Config } from '../../src/config/resolve.js';
import { TABLE_1, TABLE_2, TABLE_3 } from '../../src/paper.js';
import { IMAGENET_RULES } from '../../src/report/settings/imagenet.js';
import { KERNEL_RULES } from '../../src/report/settings/kernels.js';
import { settingsOf } from '../../src/report/settings/keys.js';
import { hold, type Rules } from '../../src/report/settings/rules.js';
import { TRAINING_RULES } from '../../src/report/settings/trainings.js';

const ALL = {
  'Tables 1 and 4': TRAINING_RULES,
  'Table 2': IMAGENET_RULES,
  'Table 3': KERNEL_RULES,
} as unknown as Record<string, Rules<unknown>>;

const configOf = async (config: object) => (await loadExperiment(config)).trials[0]!.config;

/** Every key that a person may write, as a path; not those of files with several runs. */
function writable(schema: JsonSchema, prefix = ''): string[] {
  return Object.entries(schema.properties ?? {}).flatMap(([key, property]) => {
    const path = `${prefix}${key}`;
    const inner = mappingOf(property);
    return inner === undefined ? [path] : [path, ...writable(inner, `${path}.`)];
  });
}

describe.each(Object.entries(ALL))('what the paper says: %s', (_table, rules) => {
  it('has every key that a config can have', () => {
    const known = Object.keys(rules);
    const left = writable(configJsonSchema()).filter((path) => {
      const isListed = known.some((key) => path === key || path.startsWith(`${key}.`));
      return !isListed && !known.some((key) => key.startsWith(`${path}.`));
    });
    // These are no settings of a run: one file for several, where they run, and what editors read.
    const notOfARun = left.filter((path) => !/^(sweep|launcher|\$schema)/.test(path));
    expect(notOfARun).toEqual([]);
  });

  it('says where it is said', () => {
    for (const rule of Object.values(rules)) {
      if ('source' in rule) expect(rule.source).not.toBe('');
    }
  });
});

describe('holding a config against it', () => {
  it('finds nothing to name in the paper’s own', async () => {
    const nothing = { differing: [], unusual: [], reduced: [] };
    const inception = TABLE_1.find(({ regularizers }) => regularizers === 'none')!;
    expect(hold(await configOf({}), TRAINING_RULES, inception)).toMatchObject(nothing);
    const v3 = { data: { name: 'imagenet', size: 299 }, model: { name: 'inception-v3' } };
    const plain = TABLE_2.find((cell) => !cell.augment && !cell.weightDecay)!;
    expect(hold(await configOf(v3), IMAGENET_RULES, plain)).toMatchObject(nothing);
    const full = {
      ...v3,
      regularization: { augment: 'imagenet', dropout: 0.2, weightDecay: 4e-5 },
    };
    expect(hold(await configOf(full), IMAGENET_RULES, TABLE_2[0]!)).toMatchObject(nothing);
    const mnist = { experiment: 'kernels', data: { name: 'mnist' } };
    expect(hold(await configOf(mnist), KERNEL_RULES, TABLE_3[0]!)).toMatchObject(nothing);
  });

  it('names a key that nobody has thought of', async () => {
    const config = await configOf({});
    const later = {
      ...config,
      train: { ...config.train, nesterov: true },
      mixup: { alpha: 0.2, on: [1, 2] },
    } as unknown as Config;
    expect(hold(later, TRAINING_RULES, TABLE_1[3]!).differing).toEqual([
      'train.nesterov true',
      'mixup.alpha 0.2',
      'mixup.on [1, 2]',
    ]);
  });

  it('does not compile without a key', () => {
    const { 'train.momentum': _, ...others } = TRAINING_RULES;
    // @ts-expect-error a key of the config is missing
    const incomplete: Rules<(typeof TABLE_1)[number]> = others;
    expect(incomplete).not.toHaveProperty(['train.momentum']);
  });

  it('takes some parts of a config as a whole', async () => {
    const config = await configOf({ model: { name: 'alexnet' }, train: { stop: 'never' } });
    const settings = settingsOf(config);
    expect(settings.get('train.stop')).toBeNull();
    expect(settings.get('model.lrn')).toEqual({ radius: 4, bias: 1, alpha: 0.001 / 9, beta: 0.75 });
    expect([...settings.keys()].filter((key) => key.startsWith('seeds'))).toEqual(['seeds']);
  });
});
