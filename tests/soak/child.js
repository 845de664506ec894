/**
 * `child.js ENGINE EPOCHS OUT`: a run of many epochs in a process of its own that prints a JSON line with resident memory
 * and tensors alive after every few of them. Start it with --expose-gc: garbage is no leak.
 */
import * as tf from '@tensorflow/tfjs-core';
import { loadExperiment, runExperiment } from '../../dist/index.js';

const [engine, epochs, out] = process.argv.slice(2);
const EVERY = Math.max(1, Math.floor(Number(epochs) / 200));

const { trials } = await loadExperiment({
  name: 'soak',
  data: { name: 'synthetic', limit: 64, testLimit: 32, crop: 8 },
  corruption: 'random-labels',
  model: { name: 'mlp', hidden: [16] },
  regularization: { dropout: 0.1, augment: 'full' },
  train: { epochs: Number(epochs), batchSize: 16, learningRate: 0.001, stop: 'never' },
  engine: { name: engine },
});
await runExperiment(trials[0].config, {
  out,
  events: {
    epoch({ epoch }) {
      if (epoch % EVERY !== 0) return;
      globalThis.gc();
      const { rss, heapUsed, external } = process.memoryUsage();
      const { numTensors } = tf.memory();
      console.log(JSON.stringify({ epoch, rss, heapUsed, external, numTensors }));
    },
  },
});
process.exit();
