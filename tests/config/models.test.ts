import { describe, expect, it } from 'vitest';
import { loadExperiment } from '../../src/config/experiment.js';
import { configHash } from '../../src/config/hash.js';
import {
  MODEL_NAMES,
  MODELS,
  type ModelKeys,
  type ModelName,
  type ModelRow,
} from '../../src/config/models.js';
import { portableConfig } from '../../src/config/portable.js';
import type { Config } from '../../src/config/resolve.js';
import { BUILDERS } from '../../src/models/index.js';
import { errorOf } from './helpers.js';

/** A value of every key, none of them a default. */
const OTHERS: Required<ModelKeys> = {
  hidden: [3, 2],
  batchNorm: true,
  batchNormDecay: 0.5,
  batchNormEpsilon: 0.25,
  lrn: { radius: 1, bias: 2, alpha: 0.5, beta: 0.5 },
  width: 2,
  depth: 16,
  widen: 3,
};
const KEYS = Object.keys(OTHERS) as (keyof ModelKeys)[];

async function resolved(model: object): Promise<Config> {
  return (await loadExperiment({ name: 'a', model })).trials[0]!.config;
}

// `npm run typecheck` fails where one of these would compile: a model can't be forgotten anywhere.
const { learningRate: _, ...withoutRate } = MODELS.mlp;
// @ts-expect-error
withoutRate satisfies ModelRow;
const { alexnet: _row, ...rows } = MODELS;
// @ts-expect-error
rows satisfies typeof MODELS;
const { alexnet: _builder, ...builders } = BUILDERS;
// @ts-expect-error
builders satisfies typeof BUILDERS;

describe.each(MODEL_NAMES)('%s', (name) => {
  const own = Object.keys(MODELS[name].keys) as (keyof ModelKeys)[];

  it('takes its own keys, and reads them back from its config.json', async () => {
    const given = Object.fromEntries(own.map((key) => [key, OTHERS[key]]));
    for (const model of [{ name }, { name, ...given }]) {
      const config = await resolved(model);
      expect(config.model).toMatchObject({ ...MODELS[name].keys, ...model });
      expect(config.train.learningRate).toBe(MODELS[name].learningRate);
      const stored = JSON.parse(JSON.stringify(portableConfig(config)));
      expect(Object.keys(stored.model)).toEqual(['name', ...own]);
      const again = (await loadExperiment(stored)).trials[0]!.config;
      expect(again).toEqual(config);
      expect(configHash(again)).toBe(configHash(config));
    }
  });

  it.each(KEYS.filter((key) => !own.includes(key)))('refuses %s', async (key) => {
    const owners = MODEL_NAMES.filter((other) => key in MODELS[other].keys);
    const error = await errorOf(() => resolved({ name, [key]: OTHERS[key] }));
    expect(error).toMatch(new RegExp(`^model.${key} is for .*, and model.name is ${name}.$`));
    for (const owner of owners) expect(error).toContain(owner);
  });

  it('has a label that no other model has', async () => {
    const labels = await Promise.all(
      MODEL_NAMES.map(async (other) =>
        MODELS[other].label((await resolved({ name: other })).model),
      ),
    );
    expect(new Set(labels).size).toBe(MODEL_NAMES.length);
  });
});

describe('models of version 0.1.0', () => {
  // Runs must still be found, and resumed, by what they were then.
  it.each<[object, string]>([
    [{ name: 'mlp' }, '65d7868b6a9a1a4568cfcc3c8cc824d1d6841a8e020ebb43845a4abbe8b6769a'],
    [
      { name: 'mlp', hidden: [], batchNorm: false },
      'd5dc2f2fb584a3d3be486707aa2e3c5fb3a7fbf513ce48954e47b4a9455f36c2',
    ],
    [{ name: 'alexnet' }, '3671cc1d5a40d6f3567ad03c9a672f17194eecacd91e7971477348127e91c619'],
    [
      { name: 'alexnet', lrn: { radius: 2 } },
      '3800be82820c3e687b775e57b262eecaac081b0099e8fea1d76af4ac0edcd5c4',
    ],
    [{ name: 'inception' }, 'b84da1a1281db91a4a6b5148aa869e8bbaef24afbead311949c23c44a6292bfb'],
    [
      { name: 'inception', batchNorm: false },
      'f79a07c5afea3dd1dc59fecfa25163e790e7cd93f178bf68b230d2695f073171',
    ],
    [
      { name: 'inception', batchNormDecay: 0.99, batchNormEpsilon: 1e-5 },
      '96f85fe485285fa59f434cb5a132e3a27845796d727dbac5a19240847561c168',
    ],
    [{ name: 'inception-v3' }, '43b859d4ecd7316375f8e066bea4b0248052363ecda0c6174dfcc543f2f1420e'],
  ])('%j keeps its hash', async (model, hash) => {
    expect(configHash(await resolved(model))).toBe(hash);
  });
});

describe('labels', () => {
  it.each<[{ name: ModelName } & Partial<ModelKeys>, string]>([
    [{ name: 'mlp' }, 'MLP 1×512'],
    [{ name: 'mlp', hidden: [512, 512, 512] }, 'MLP 3×512'],
    [{ name: 'mlp', hidden: [100, 50] }, 'MLP 100-50'],
    [{ name: 'mlp', hidden: [] }, 'linear'],
    [{ name: 'inception-v3', batchNorm: false }, 'Inception V3 w/o BatchNorm'],
  ])('%j is %s', async (model, label) => {
    expect(MODELS[model.name].label((await resolved(model)).model)).toBe(label);
  });
});
