import * as tf from '@tensorflow/tfjs-core';
import { batchNormTraining } from '../../src/models/ops.js';
import type { Model } from '../../src/models/types.js';
import { initialState } from '../../src/train/init.js';
import { makeProgram } from '../../src/train/program.js';
import type { Case } from './fixture.js';
import { swish } from './smooth-twin.js';

const FILTERS: [string, number, number, number][] = [
  ['conv1', 3, 3, 8],
  ['conv2', 3, 8, 12],
];

/**
 * A convolutional network with BatchNorm that is smooth in everything: no ReLU and no pool, so no mask or maximum that
 * a rounding error can flip, and two engines can be compared over many steps.
 */
export function smoothCase(imageShape: [number, number, number]): Case {
  const model: Model = {
    name: 'smooth',
    inputShape: imageShape,
    classes: 10,
    parameters: [
      ...FILTERS.flatMap(([name, size, inputs, outputs]) => [
        {
          name: `${name}/filter`,
          shape: [size, size, inputs, outputs],
          init: 'he' as const,
          fanIn: size * size * inputs,
          decayed: true,
        },
        { name: `${name}/shift`, shape: [outputs], init: 'zeros' as const, decayed: false },
      ]),
      { name: 'output/weight', shape: [12, 10], init: 'he', fanIn: 12, decayed: true },
      { name: 'output/bias', shape: [10], init: 'zeros', decayed: false },
    ],
    statistics: FILTERS.map(([name, , , outputs]) => ({
      name: `${name}/mean`,
      shape: [outputs],
      initial: 0,
    })),
    norms: [],
    masks: [],
    forward(parameters, images, mode) {
      const statistics: Record<string, tf.Tensor1D> = {};
      let x = images;
      for (const [name] of FILTERS) {
        const filter = parameters[`${name}/filter`] as tf.Tensor4D;
        const shift = parameters[`${name}/shift`] as tf.Tensor1D;
        const { y, mean } = batchNormTraining(tf.conv2d(x, filter, 2, 'same'), shift, 1e-3);
        const old = mode.statistics[`${name}/mean`]!;
        statistics[`${name}/mean`] = tf.add(tf.mul(old, 0.9), tf.mul(mean, 0.1));
        x = swish(y);
      }
      const pooled = tf.mean(x, [1, 2]) as tf.Tensor2D;
      const product = tf.matMul(pooled, parameters['output/weight'] as tf.Tensor2D);
      const logits = tf.add(product, parameters['output/bias']!) as tf.Tensor2D;
      return { logits, statistics };
    },
  };
  const program = makeProgram({
    model,
    batchSize: 6,
    evalBatchSize: 6,
    momentum: 0.9,
    weightDecay: 1e-3,
    dropout: 0,
  });
  return { program, state: initialState(model, 1) };
}
