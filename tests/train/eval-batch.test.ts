import '@tensorflow/tfjs';
import * as tf from '@tensorflow/tfjs-core';
import { beforeAll, expect, it } from 'vitest';
import { resolveConfig } from '../../src/config/resolve.js';
import { configSchema } from '../../src/config/schema.js';
import { buildModel } from '../../src/models/index.js';
import { evalBatches } from '../../src/train/eval-batch.js';

beforeAll(() => tf.setBackend('cpu'));

it.each([
  ['mlp', 28, 60_000, { evalBatchSize: 250, evalAtOnce: 2 }],
  ['inception', 28, 60_000, { evalBatchSize: 250, evalAtOnce: 2 }],
  // Fewer than a batch.
  ['alexnet', 28, 40, { evalBatchSize: 40, evalAtOnce: 2 }],
  // One batch takes all of the memory.
  ['inception-v3', 299, 50_000, { evalBatchSize: 97, evalAtOnce: 1 }],
])('evaluates %s on images of %i pixels, %i examples: %o', (name, side, examples, expected) => {
  const { model: config } = resolveConfig(configSchema.parse({ model: { name } }), 'test');
  const model = buildModel({ config, inputShape: [side, side, 3], classes: 10, dropout: 0 });
  expect(evalBatches(model, examples)).toEqual(expected);
});
