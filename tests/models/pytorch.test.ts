import { execFile } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterEach, describe, expect, it, vi } from 'vitest';
import type { RobustLossConfig } from '../../src/config/loss.js';
import type { OptimizerConfig } from '../../src/config/optimizer.js';
import { createEngine } from '../../src/engines/index.js';
import type { EngineOptions } from '../../src/engines/types.js';
import { lossOf } from '../../src/train/losses.js';
import { type Case, makeCase, trainChunk } from '../engines/fixture.js';
import { cpuPlugin } from '../engines/xla-plugin.js';
import { EAGER, ensureTensorflow } from '../helpers/engine.js';
import { PYTHON, withoutTorch } from '../helpers/pytorch.js';
import { temporaryFolder } from '../helpers/temporary-folder.js';

const skipped = withoutTorch();
const tensorflow = await ensureTensorflow();
const xla = await cpuPlugin();

const STEPS = 3;
const BATCH = 16;
const CLASSES = 10;
const WEIGHT_DECAY = 5e-4;
/** The usual 0.1 goes wild on noise, and makes much of a ReLU that rounding has decided. */
const LEARNING_RATE = 0.01;

interface Trained {
  losses: number[];
  /** In the order of the model's. */
  parameters: Float32Array[];
}

const parametersOf = (state: Case['state']) =>
  Object.entries(state).filter(([name]) => name.startsWith('param/'));

function base64({ buffer, byteOffset, byteLength }: ArrayBufferView): string {
  return Buffer.from(buffer as ArrayBuffer, byteOffset, byteLength).toString('base64');
}

/** What is trained, and how: keys of a config beside their defaults. */
interface Training {
  model: { name: string } & Record<string, unknown>;
  side: number;
  optimizer?: OptimizerConfig;
  loss?: RobustLossConfig;
  mixup?: boolean;
}

/** Fewer than three batches have: of a loss that remembers, some come again. */
const EXAMPLES = 20;

function caseOf({ model, side, optimizer, loss, mixup }: Training) {
  const given = { classes: CLASSES, batchSize: BATCH, weightDecay: WEIGHT_DECAY };
  const c = makeCase(model, {
    ...given,
    imageShape: [side, side, 3],
    optimizer,
    loss: lossOf(loss, null),
    examples: EXAMPLES,
    mixup,
  });
  return { c, chunk: trainChunk(c.program, STEPS, LEARNING_RATE) };
}

async function inPyTorch(training: Training): Promise<Trained> {
  const { c, chunk } = caseOf(training);
  const { model, side, optimizer = { name: 'sgd' }, loss = { name: 'cross-entropy' } } = training;
  const folder = temporaryFolder();
  const [given, result] = [join(folder, 'given.json'), join(folder, 'result.json')];
  const content = {
    model: model.name === 'mlp' ? { ...model, side } : model,
    optimizer,
    loss,
    classes: CLASSES,
    epsilon: 1e-3,
    weightDecay: WEIGHT_DECAY,
    momentum: 0.9,
    learningRate: LEARNING_RATE,
    images: { shape: [STEPS, BATCH, side, side, 3], data: base64(chunk.images) },
    labels: base64(chunk.labels),
    examples: EXAMPLES,
    extras: Object.fromEntries(
      Object.entries(chunk.extras).map(([name, values]) => [name, Array.from(values)]),
    ),
    parameters: parametersOf(c.state).map(([, { shape, data }]) => ({ shape, data: base64(data) })),
  };
  writeFileSync(given, JSON.stringify(content));
  const script = join(import.meta.dirname, 'training.py');
  await promisify(execFile)(PYTHON, [script, given, result]);
  const { losses, parameters } = JSON.parse(readFileSync(result, 'utf8'));
  return {
    losses,
    parameters: parameters.map((text: string) => {
      const { buffer, byteOffset, byteLength } = Buffer.from(text, 'base64');
      return new Float32Array(buffer.slice(byteOffset, byteOffset + byteLength));
    }),
  };
}

async function here(options: EngineOptions, training: Training): Promise<Trained> {
  const { c, chunk } = caseOf(training);
  const engine = await createEngine(options);
  const session = await engine.load(c.program, c.state);
  const { loss } = await session.runSteps(chunk);
  const state = await session.getState();
  session.dispose();
  engine.dispose();
  return { losses: [...loss], parameters: parametersOf(state).map(([, { data }]) => data) };
}

/** ‖a − b‖. */
const distance = (a: Float32Array, b: Float32Array) =>
  Math.sqrt(a.reduce((sum, x, i) => sum + (x - b[i]!) ** 2, 0));

const COMPILED: EngineOptions = { ...EAGER, eager: false };
const RESNET = { name: 'resnet18', width: 8 };
const MLP: Training = { model: { name: 'mlp', hidden: [64] }, side: 8 };
const ADAM = { beta1: 0.9, beta2: 0.999, epsilon: 1e-8 };
const SMOOTHED: RobustLossConfig = { name: 'cross-entropy', smoothing: 0.1 };
/** What, on which engines. */
const CASES: [string, Training, Engines][] = [
  ['resnet18', { model: RESNET, side: 32 }, 'all'],
  ['resnet18 of the full width', { model: { name: 'resnet18', width: 64 }, side: 32 }, 'compiled'],
  ['resnet18 on odd sides', { model: RESNET, side: 29 }, 'compiled'],
  ['wide-resnet', { model: { name: 'wide-resnet', depth: 10, widen: 2 }, side: 32 }, 'all'],
  ['cnn5', { model: { name: 'cnn5', width: 8 }, side: 32 }, 'all'],
  ['Nesterov', { ...MLP, optimizer: { name: 'sgd', nesterov: true } }, 'all'],
  ['Adam', { ...MLP, optimizer: { name: 'adam', ...ADAM } }, 'all'],
  ['AdamW', { ...MLP, optimizer: { name: 'adamw', ...ADAM } }, 'all'],
  ['smoothed labels', { ...MLP, loss: SMOOTHED }, 'all'],
  ['GCE', { ...MLP, loss: { name: 'gce', q: 0.7 } }, 'all'],
  ['SCE', { ...MLP, loss: { name: 'sce', alpha: 0.1, beta: 1, logZero: -4 } }, 'all'],
  ['ELR', { ...MLP, loss: { name: 'elr', lambda: 3, beta: 0.7 } }, 'all'],
  ['mixup', { ...MLP, mixup: true }, 'all'],
  ['mixup of a smoothed loss', { ...MLP, loss: SMOOTHED, mixup: true }, 'compiled'],
];
type Engines = 'all' | 'compiled';
const ENGINES: [string, EngineOptions, string][] = [
  ['tensorflow, compiled', COMPILED, tensorflow.skipped],
  ['tensorflow, op by op', EAGER, tensorflow.skipped],
  ['xla', { ...COMPILED, name: 'xla' }, xla.reason],
  ['wasm', { ...EAGER, name: 'wasm' }, ''],
];

describe.skipIf(skipped !== '')(`trains as in PyTorch${skipped}`, () => {
  afterEach(() => void vi.unstubAllEnvs());

  describe.each(CASES)('%s', (_, training, engines) => {
    for (const [what, options, missing] of engines === 'all' ? ENGINES : ENGINES.slice(0, 1)) {
      it.skipIf(missing !== '')(`on ${what}${missing}`, { timeout: 600_000 }, async () => {
        if (options.name === 'xla') {
          vi.stubEnv('RETHINK_GEN_PJRT_PLUGIN', xla.plugin!.path);
          vi.stubEnv('XDG_CACHE_HOME', temporaryFolder());
        }
        const [ours, theirs] = [await here(options, training), await inPyTorch(training)];
        for (const [i, loss] of theirs.losses.entries()) {
          expect(Math.abs(ours.losses[i]! / loss - 1)).toBeLessThan(1e-6);
        }
        const { state } = caseOf(training).c;
        for (const [i, [name, { data }]] of parametersOf(state).entries()) {
          const [own, other] = [ours.parameters[i]!, theirs.parameters[i]!];
          // A ReLU that rounding decides moves single gradients by more than a thousandth.
          expect(distance(own, other), name).toBeLessThan(0.03 * distance(other, data));
        }
      });
    }
  });
});
