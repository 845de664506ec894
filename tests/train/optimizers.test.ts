import '@tensorflow/tfjs';
import * as tf from '@tensorflow/tfjs-core';
import { beforeAll, describe, expect, it } from 'vitest';
import type { OptimizerConfig } from '../../src/config/optimizer.js';
import type { State } from '../../src/engines/types.js';
import { optimizerOf, optimizerState } from '../../src/train/optimizers.js';

beforeAll(() => tf.setBackend('cpu'));

const MOMENTUM = 0.9;
const RATE = 0.125;
const DECAY = 0.25;
const START = [1, -2, 0.5];
/** Of three steps, of sizes far apart. */
const GRADIENTS = [
  [0.5, -1, 1e-3],
  [0.25, 2, -1e-3],
  [-4, 0.125, 0],
];

/** Three steps of a parameter that decays. */
function steps(config: OptimizerConfig | undefined): number[] {
  const optimizer = optimizerOf(config, MOMENTUM);
  const parameters = [{ name: 'w', shape: [3], init: 'zeros' as const, decayed: true }];
  const state = optimizerState({ parameters }, optimizer).map(
    ({ name, shape }) => [name.replace('/w', '').replace('counter/', ''), tf.zeros(shape)] as const,
  );
  let [slots, counters]: State[] = [Object.fromEntries(state), Object.fromEntries(state)];
  let parameter: tf.Tensor = tf.tensor1d(START);
  for (const gradient of GRADIENTS) {
    counters = optimizer.count(counters!);
    ({ parameter, slots } = optimizer.update({
      parameter,
      gradient: tf.tensor1d(gradient),
      weightDecay: DECAY,
      learningRate: tf.scalar(RATE),
      slots: slots!,
      counters,
    }));
  }
  return [...parameter.dataSync()];
}

/** The same of each number, in float64, as the papers write it. */
type Rule = (p: number, gradients: readonly number[]) => number;

const heavyBall: Rule = (start, gradients) => {
  let [p, v] = [start, 0];
  for (const g of gradients) {
    v = MOMENTUM * v + g + DECAY * p;
    p -= RATE * v;
  }
  return p;
};
/** Sutskever 2013, at the point where the gradient is taken: p − η·(μ·v′ + g). */
const nesterov: Rule = (start, gradients) => {
  let [p, v] = [start, 0];
  for (const gradient of gradients) {
    const g = gradient + DECAY * p;
    v = MOMENTUM * v + g;
    p -= RATE * (MOMENTUM * v + g);
  }
  return p;
};
const BETAS = { beta1: 0.9, beta2: 0.999, epsilon: 1e-8 };
const adam =
  (apart: boolean): Rule =>
  (start, gradients) => {
    let [p, m, v] = [start, 0, 0];
    for (const [i, gradient] of gradients.entries()) {
      const g = apart ? gradient : gradient + DECAY * p;
      if (apart) p -= RATE * DECAY * p;
      m = BETAS.beta1 * m + (1 - BETAS.beta1) * g;
      v = BETAS.beta2 * v + (1 - BETAS.beta2) * g * g;
      const mean = m / (1 - BETAS.beta1 ** (i + 1));
      const square = v / (1 - BETAS.beta2 ** (i + 1));
      p -= (RATE * mean) / (Math.sqrt(square) + BETAS.epsilon);
    }
    return p;
  };

describe('three steps are what the paper says', () => {
  const cases: [string, OptimizerConfig | undefined, Rule][] = [
    ['SGD with heavy-ball momentum', undefined, heavyBall],
    ['SGD that the config names', { name: 'sgd', nesterov: false }, heavyBall],
    ["Nesterov's momentum", { name: 'sgd', nesterov: true }, nesterov],
    ['Adam', { name: 'adam', ...BETAS }, adam(false)],
    ['AdamW', { name: 'adamw', ...BETAS }, adam(true)],
  ];
  it.each(cases)('%s', (_, config, rule) => {
    const moved = steps(config);
    for (const [i, start] of START.entries()) {
      const expected = rule(
        start,
        GRADIENTS.map((gradient) => gradient[i]!),
      );
      expect(Math.abs(moved[i]! / expected - 1)).toBeLessThan(2e-6);
    }
  });
});
