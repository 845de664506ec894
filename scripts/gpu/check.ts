/**
 * What `check.sh` runs on a machine without this project's dependencies; bundled into one file by `pack.sh`.
 *
 *   reference OUT.json          losses of a few steps on this machine's CPU plugin
 *   numerics REFERENCE.json     the same steps here, compared; exit 1 where they part
 *   bench MODEL PRECISION       one line of JSON: images per second of training, host uploads included
 *   fit FOLDER SECONDS          trains random labels until all are learned, or goes on with that; exit 1 where time is up
 *   table RESULTS.json...       the lines of `bench` and of scripts/bench/*_step.py as a table of ratios
 */
import { readFileSync, writeFileSync } from 'node:fs';
import { median } from '../../src/bench/median.js';
import { MODELS, type ModelName } from '../../src/config/models.js';
import type { Engine } from '../../src/engines/types.js';
import { createXlaEngine } from '../../src/engines/xla/index.js';
import { messageOf, RethinkError } from '../../src/errors.js';
import { fitRandomLabels } from './fit.js';
import { comparisonTable, type Measurement, OURS } from './table.js';
import { COMPARED, noise, workload } from './workload.js';

const STEPS = 4;
const BATCH = 32;
/** Rectifiers and pools part ways at rounding's whim, and random images have no smooth loss: losses, loosely. */
const WITHIN = 2e-2;
const FIRST_WITHIN = 1e-4;

interface Reference {
  device: string;
  losses: Record<string, number[]>;
}

async function engine(precision: 'float32' | 'bfloat16'): Promise<Engine> {
  const options = {
    name: 'xla',
    precision,
    device: 0,
    eager: false,
    deterministic: false,
  } as const;
  return await createXlaEngine(options, {
    note: (message) => process.stderr.write(`${message}\n`),
  });
}

async function losses(on: Engine, model: ModelName): Promise<number[]> {
  const work = workload(model, BATCH);
  const session = await on.load(work.program, work.state);
  const metrics = await session.runSteps(noise(work, STEPS));
  session.dispose();
  return Array.from(metrics.loss);
}

async function reference(path: string): Promise<void> {
  const on = await engine('float32');
  const result: Reference = { device: on.info.device, losses: {} };
  for (const model of COMPARED) result.losses[model] = await losses(on, model);
  on.dispose();
  writeFileSync(path, `${JSON.stringify(result, undefined, 2)}\n`);
}

async function numerics(path: string): Promise<void> {
  const expected = JSON.parse(readFileSync(path, 'utf8')) as Reference;
  const on = await engine('float32');
  let failed = false;
  for (const model of COMPARED) {
    const apart = (await losses(on, model)).map((loss, step) => {
      const wanted = expected.losses[model]![step]!;
      return Math.abs(loss - wanted) / Math.abs(wanted);
    });
    const good = apart[0]! <= FIRST_WITHIN && apart.every((difference) => difference <= WITHIN);
    failed ||= !good;
    const shown = apart.map((difference) => difference.toExponential(1)).join(' ');
    console.log(`${good ? 'ok  ' : 'FAIL'} ${model}: losses of ${STEPS} steps differ by ${shown}`);
  }
  console.log(`${on.info.device} against ${expected.device}, float32`);
  on.dispose();
  if (failed) process.exitCode = 1;
}

async function bench(model: ModelName, precision: string): Promise<void> {
  if (precision === 'tf32') process.env.RETHINK_GEN_TF32 = '1';
  const on = await engine(precision === 'bfloat16' ? 'bfloat16' : 'float32');
  const work = workload(model, 128);
  const session = await on.load(work.program, work.state);
  const cpu = on.info.device === 'cpu';
  // A CPU takes half a second for each step of a convolutional network.
  const chunk = noise(work, cpu && !MODELS[model].shortSteps ? 2 : 128);
  await session.runSteps(chunk);
  const rates: number[] = [];
  for (let round = 0; round < (cpu ? 1 : 7); round++) {
    const from = performance.now();
    // Two calls at a time, as a loop that prepares ahead makes them: one uploads while the other computes.
    await Promise.all([session.runSteps(chunk), session.runSteps(chunk)]);
    rates.push((2 * chunk.steps * 128) / ((performance.now() - from) / 1000));
  }
  const measurement: Measurement = {
    peer: OURS,
    form: 'compiled',
    model,
    precision,
    train_images_per_second: median(rates),
    device: on.info.device,
  };
  console.log(JSON.stringify(measurement));
  session.dispose();
  on.dispose();
}

/** On all of CIFAR-10 what the paper does; a CPU would take a day for it, and learns less. */
const FITS = {
  gpu: { images: 50_000, model: 'inception' },
  cpu: { images: 2000, model: 'mlp' },
} as const;

async function fitLabels(folder: string, seconds: number): Promise<void> {
  const on = await engine('float32');
  const size = FITS[on.info.device === 'cpu' ? 'cpu' : 'gpu'];
  try {
    if (!(await fitRandomLabels(on, { folder, seconds, ...size }))) process.exitCode = 1;
  } finally {
    on.dispose();
  }
}

async function main([command, ...args]: string[]): Promise<void> {
  const [first = '', second = ''] = args;
  if (command === 'reference') await reference(first);
  else if (command === 'numerics') await numerics(first);
  else if (command === 'bench') await bench(first as ModelName, second);
  else if (command === 'fit') await fitLabels(first, Number(second));
  else if (command === 'table') {
    const lines = args.map((path) => readFileSync(path, 'utf8')).join('\n');
    process.stdout.write(comparisonTable(lines));
  } else throw new RethinkError('usage', `There is no command '${command}'.`);
}

main(process.argv.slice(2)).catch((error: unknown) => {
  const hint = error instanceof RethinkError && error.hint ? ` ${error.hint}` : '';
  process.stderr.write(`${messageOf(error)}${hint}\n`);
  process.exitCode = error instanceof RethinkError ? error.exitCode : 1;
});
