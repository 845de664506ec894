import { execFile, execFileSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { createEngine } from '../../src/engines/index.js';
import type { EngineOptions } from '../../src/engines/types.js';
import { messageOf } from '../../src/errors.js';

import { type Case, makeCase, trainChunk } from '../engines/fixture.js';
import { cpuPlugin } from '../engines/xla-plugin.js';
import { EAGER, ensureTensorflow } from '../helpers/engine.js';
import { temporaryFolder } from '../helpers/temporary-folder.js';

const PYTHON = process.env.RETHINK_GEN_TEST_PYTHON ?? 'python3';
const skipped = withoutTorch();
const tensorflow = await ensureTensorflow();
const xla = await cpuPlugin();

const STEPS = 3;
const BATCH = 16;
const CLASSES = 10;
const WEIGHT_DECAY = 5e-4;
/** The usual 0.1 goes wild on noise, and makes much of a ReLU that rounding has decided. */
const LEARNING_RATE = 0.01;

/** Empty where PyTorch is there, else why these tests are skipped. */
function withoutTorch(): string {
  try {
    execFileSync(PYTHON, ['-c', 'import torch'], { stdio: 'pipe' });
    return '';
  } catch (error) {
    const reason = messageOf(error).trim().split('\n').at(-1);
    return ` (skipped, RETHINK_GEN_TEST_PYTHON names no Python with PyTorch: ${reason})`;
  }
}

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

function caseOf(width: number, side: number) {
  const options = { classes: CLASSES, batchSize: BATCH, weightDecay: WEIGHT_DECAY };
  const model = { name: 'resnet18', width };
  const c = makeCase(model, { ...options, imageShape: [side, side, 3] });
  return { c, chunk: trainChunk(c.program, STEPS, LEARNING_RATE) };
}

async function inPyTorch(width: number, side: number): Promise<Trained> {
  const { c, chunk } = caseOf(width, side);
  const folder = temporaryFolder();
  const [given, result] = [join(folder, 'given.json'), join(folder, 'result.json')];
  const content = {
    width,
    classes: CLASSES,
    epsilon: 1e-3,
    weightDecay: WEIGHT_DECAY,
    momentum: 0.9,
    learningRate: LEARNING_RATE,
    images: { shape: [STEPS, BATCH, side, side, 3], data: base64(chunk.images) },
    labels: base64(chunk.labels),
    parameters: parametersOf(c.state).map(([, { shape, data }]) => ({ shape, data: base64(data) })),
  };
  writeFileSync(given, JSON.stringify(content));
  const script = join(import.meta.dirname, 'resnet18.py');
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

async function here(options: EngineOptions, width: number, side: number): Promise<Trained> {
  const { c, chunk } = caseOf(width, side);
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
/** What, engine, width, side of the images, why it is skipped. */
const CASES: [string, EngineOptions, number, number, string][] = [
  ['tensorflow, compiled', COMPILED, 8, 32, tensorflow.skipped],
  ['tensorflow, compiled, of the full width', COMPILED, 64, 32, tensorflow.skipped],
  ['tensorflow, compiled, on odd sides', COMPILED, 8, 29, tensorflow.skipped],
  ['tensorflow, op by op', EAGER, 8, 32, tensorflow.skipped],
  ['xla', { ...COMPILED, name: 'xla' }, 8, 32, xla.reason],
  ['wasm', { ...EAGER, name: 'wasm' }, 8, 32, ''],
];

describe.skipIf(skipped !== '')(`resnet18 trains as in PyTorch${skipped}`, () => {
  afterEach(() => void vi.unstubAllEnvs());

  for (const [what, options, width, side, missing] of CASES) {
    it.skipIf(missing !== '')(`on ${what}${missing}`, { timeout: 600_000 }, async () => {
      if (options.name === 'xla') {
        vi.stubEnv('RETHINK_GEN_PJRT_PLUGIN', xla.plugin!.path);
        vi.stubEnv('XDG_CACHE_HOME', temporaryFolder());
      }
      const [ours, theirs] = [await here(options, width, side), await inPyTorch(width, side)];
      for (const [i, loss] of theirs.losses.entries()) {
        expect(Math.abs(ours.losses[i]! / loss - 1)).toBeLessThan(1e-6);
      }
      const { state } = caseOf(width, side).c;
      for (const [i, [name, { data }]] of parametersOf(state).entries()) {
        const [own, other] = [ours.parameters[i]!, theirs.parameters[i]!];
        // A ReLU that rounding decides moves single gradients by more than a thousandth.
        expect(distance(own, other), name).toBeLessThan(0.03 * distance(other, data));
      }
    });
  }
});
