import { describe, expect, it } from 'vitest';
import { loadExperiment } from '../../src/config/experiment.js';
import { configHash, resumeHash } from '../../src/config/hash.js';
import type { OptimizerName } from '../../src/config/optimizer.js';
import { portableConfig } from '../../src/config/portable.js';
import type { Config } from '../../src/config/resolve.js';
import type { ScheduleName } from '../../src/config/schedule.js';
import { errorOf } from './helpers.js';

async function resolved(given: object): Promise<Config> {
  return (await loadExperiment({ name: 'a', model: { name: 'mlp' }, ...given })).trials[0]!.config;
}
const messageOf = (given: object) => errorOf(() => resolved(given));

describe('optimizers, schedules and losses', () => {
  it('that are the paper’s leave a config and its hash as they were', async () => {
    const plain = await resolved({});
    const named = await resolved({
      train: {
        optimizer: { name: 'sgd', nesterov: false },
        schedule: { name: 'staircase' },
        initGain: 1,
      },
      loss: { name: 'cross-entropy', smoothing: 0 },
      regularization: { mixup: 0 },
    });
    expect(named).toEqual(plain);
    expect(configHash(named)).toBe(configHash(plain));
    expect(plain.regularization).not.toHaveProperty('mixup');
    expect(plain.train).not.toHaveProperty('optimizer');
    expect(plain.train).not.toHaveProperty('schedule');
    expect(plain.train).not.toHaveProperty('initGain');
    expect(plain).not.toHaveProperty('loss');
  });

  const optimizers: Record<OptimizerName, number> = { sgd: 0.01, adam: 0.001, adamw: 0.001 };
  it.each(Object.entries(optimizers))('%s learns at %d by default', async (name, rate) => {
    expect((await resolved({ train: { optimizer: { name } } })).train.learningRate).toBe(rate);
    const given = { optimizer: { name }, learningRate: 0.5 };
    expect((await resolved({ train: given })).train.learningRate).toBe(0.5);
  });

  const schedules: Record<ScheduleName, object> = {
    staircase: { warmupEpochs: 2 },
    cosine: {},
    'multi-step': { milestones: [2, 5] },
    'inverse-sqrt': { every: 3 },
  };
  it.each([
    ...Object.keys(optimizers).map((name) => ({ train: { optimizer: { name } } })),
    ...Object.entries(schedules).map(([name, keys]) => ({
      train: { schedule: { name, ...keys } },
    })),
    { train: { optimizer: { nesterov: true } } },
    { train: { initGain: 0.5 } },
    { loss: { name: 'gce' } },
    { loss: { name: 'sce', alpha: 1 } },
    { loss: { name: 'elr', beta: 0.9, lambda: 7 } },
    { loss: { smoothing: 0.1 } },
    { regularization: { mixup: 0.2 } },
    { regularization: { mixup: 1 }, loss: { correction: 'forward' } },
  ])('%j is written so that it can be read again', async (given) => {
    const config = await resolved(given);
    const again = await resolved(portableConfig(config));
    expect(again).toEqual(config);
    expect(configHash(again)).toBe(configHash(config));
  });

  it.each([
    [
      { train: { optimizer: { name: 'adam', nesterov: true } } },
      'train.optimizer.nesterov is for sgd',
    ],
    [{ train: { optimizer: { beta1: 0.5 } } }, 'train.optimizer.beta1 is for adam and adamw'],
    [{ train: { optimizer: { name: 'adam', beta2: 1 } } }, 'train.optimizer.beta2'],
    [
      { train: { schedule: { name: 'cosine', every: 2 } } },
      'train.schedule.every is for inverse-sqrt',
    ],
    [{ train: { schedule: { name: 'multi-step' } } }, 'train.schedule.milestones is missing'],
    [
      { train: { schedule: { name: 'multi-step', milestones: [5, 5] } } },
      'train.schedule.milestones must ascend',
    ],
    [{ loss: { q: 0.5 } }, 'loss.q is for gce, and loss.name is cross-entropy.'],
    [{ loss: { name: 'gce', smoothing: 0.1 } }, 'loss.smoothing is for cross-entropy'],
    [{ loss: { name: 'gce', correction: 'forward' } }, 'loss.name asks for another loss'],
    [{ loss: { name: 'elr', correction: 'forward' } }, 'loss.name asks for another loss'],
    [{ loss: { name: 'elr', smoothing: 0.1 } }, 'loss.smoothing is for cross-entropy'],
    [{ loss: { name: 'elr', beta: 1 } }, 'loss.beta must be below 1 with loss.name elr, not 1.'],
    [{ loss: { name: 'sce', lambda: 1 } }, 'loss.lambda is for elr, and loss.name is sce.'],
    [
      { loss: { name: 'elr' }, regularization: { mixup: 1 } },
      'regularization.mixup is not defined with loss.name elr',
    ],
    [{ regularization: { mixup: -1 } }, 'regularization.mixup'],
    [{ train: { initGain: 0 } }, 'train.initGain'],
    [{ loss: { smoothing: 0.1, correction: 'forward' } }, 'loss.smoothing asks for another loss'],
    [{ model: { name: 'wide-resnet', depth: 20 } }, 'model.depth must be 6n + 4'],
    [{ model: { name: 'wide-resnet', depth: 4 } }, 'model.depth must be 6n + 4'],
  ])('%j is refused', async (given, message) => {
    expect(await messageOf(given)).toContain(message);
  });

  it('let a run be resumed with other epochs, but not where the schedule is made for them', async () => {
    const hashes = async (schedule: object) => {
      const of = async (epochs: number) =>
        resumeHash(await resolved({ train: { epochs, schedule } }));
      return new Set([await of(3), await of(4)]).size;
    };
    expect(await hashes({})).toBe(1);
    expect(await hashes({ name: 'multi-step', milestones: [2] })).toBe(1);
    expect(await hashes({ name: 'cosine' })).toBe(2);
  });
});
