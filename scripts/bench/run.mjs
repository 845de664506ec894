#!/usr/bin/env node
/** Whole runs of rethink-gen beside a PyTorch script of the same protocol, in turn: see README.md. */
import { spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { readOptions, warnIfBusy } from './command-line.mjs';
import {
  BIN,
  compileCheckout,
  formsFor,
  lastLine,
  missingPeer,
  parseLine,
  TORCH_FORMS,
} from './contestants.mjs';
import { columns, median, number, ratio, ratioOf } from './ratios.mjs';

compileCheckout();
const { ENGINES, PRECISIONS } = await import('../../dist/config/engines.js');
const { countArithmetic } = await import('../../dist/bench/flops.js');
const { makeTrainee } = await import('../../dist/bench/workload.js');

const HELP = `Usage: node scripts/bench/run.mjs --data-dir DIR [options] [key.path=value …]

  --data-dir DIR     where cifar10 is: rethink-gen data list
  --models NAMES     inception,alexnet,mlp (mlp)
  --precision NAMES  ${PRECISIONS.join(',')} (float32)
  --engine NAMES     ours: ${ENGINES.join(',')} (tensorflow)
  --forms NAMES      of PyTorch: ${TORCH_FORMS.join(', ')}, none (eager-nchw)
  --labels NAMES     true,random (true)
  --until-fitted     end where all training labels are right; else all epochs
  --epochs N         (3)
  --images N         of the training set; a fifth as many test images (50000)
  --rounds N (3)  --threads N (all)
  --python PATH      with torch and numpy (python3)
  --json             a line of JSON for each case

key.path=value changes our run, and goes with --forms none: PyTorch's script knows no keys.`;

const BATCH = 128;
/** A fifth as many test images as training images, as in CIFAR-10. */
const tested = (images) => Math.floor(images / 5);

const OPTIONS = {
  lists: {
    models: ['inception', 'alexnet', 'mlp'],
    precision: PRECISIONS,
    engine: ENGINES,
    forms: [...TORCH_FORMS, 'none'],
    labels: ['true', 'random'],
  },
  numbers: { epochs: 3, images: 50_000, rounds: 3, threads: undefined },
  texts: ['data-dir', 'python'],
  flags: ['until-fitted', 'json'],
  rest: true,
  defaults: {
    models: 'mlp',
    precision: 'float32',
    engine: 'tensorflow',
    forms: 'eager-nchw',
    labels: 'true',
    python: 'python3',
  },
};

const peerForms = ({ forms }) => forms.filter((form) => form !== 'none');

/** What runs in a case: ours on each engine, then PyTorch in each form, each making a run in a folder. */
function contestantsOf(bench, options) {
  const theirs = formsFor(bench.model, peerForms(options));
  return [
    ...options.engine.map((engine) => ({
      name: engine,
      group: 'ours',
      run: ours(engine, bench, options),
    })),
    ...theirs.map((form) => ({
      name: `PyTorch ${form}`,
      group: 'PyTorch',
      run: torch(form, bench, options),
    })),
  ];
}

const ours =
  (engine, { model, precision, labels }, options) =>
  (out) => {
    const config = join(out, 'run.json');
    const whole = {
      data: { name: 'cifar10', limit: options.images, testLimit: tested(options.images) },
      corruption: { kind: labels === 'random' ? 'random-labels' : 'none' },
      model: { name: model },
      train: {
        epochs: options.epochs,
        batchSize: BATCH,
        stop: options['until-fitted'] ? { accuracy: 1, patience: 1 } : 'never',
      },
      engine: { name: engine, precision, ...(options.threads && { threads: options.threads }) },
    };
    writeFileSync(config, JSON.stringify(whole));
    const args = [
      BIN,
      'run',
      config,
      ...options.rest,
      '--json',
      '--out',
      out,
      '--data-dir',
      options['data-dir'],
    ];
    return timed(process.execPath, args, (lines) => {
      const rows = lines.filter(({ event }) => event === 'epoch');
      const epochs = rows.map(({ seconds, images_per_second }, i) => ({
        seconds: seconds - (rows[i - 1]?.seconds ?? 0),
        train_seconds: trained(options.images) / images_per_second,
      }));
      return { epochs, train_accuracy: rows.at(-1)?.train_accuracy };
    });
  };

const torch =
  (form, { model, precision, labels }, options) =>
  (out) => {
    const script = fileURLToPath(new URL('torch_run.py', import.meta.url));
    const args = [script, '--model', model, '--form', form, '--precision', precision];
    args.push('--labels', labels, '--epochs', options.epochs, '--batch', BATCH);
    args.push('--data', join(options['data-dir'], 'cifar10'), '--out', out);
    args.push('--images', options.images);
    if (options['until-fitted']) args.push('--until-fitted');
    if (options.threads) args.push('--threads', options.threads);
    return timed(
      options.python,
      args,
      (lines) => lines.find(({ epochs }) => epochs) ?? { epochs: [] },
    );
  };

/**
 * Lets a program make a run.
 *
 * @param read lines of JSON → epochs, each with all its seconds and those of training, and the accuracy at the end
 */
function timed(command, args, read) {
  const start = performance.now();
  const { error, status, signal, stdout, stderr } = spawnSync(command, args.map(String), {
    encoding: 'utf8',
    maxBuffer: 2 ** 28,
  });
  const whole = (performance.now() - start) / 1000;
  if (error) return { problem: error.message };
  if (status !== 0) return { problem: lastLine(stderr) || (signal ?? `exit code ${status}`) };
  const { epochs, train_accuracy } = read(stdout.split('\n').flatMap(parseLine));
  // The first epoch pays for what is chosen and filled once.
  const steady = epochs.length > 1 ? epochs.slice(1) : epochs;
  const middle = (name) => median(steady.map((epoch) => epoch[name]));
  return {
    whole,
    epoch: middle('seconds'),
    train: middle('train_seconds'),
    epochs: epochs.length,
    train_accuracy,
  };
}

/** Images that are trained on in an epoch: whole batches. */
const trained = (images) => Math.floor(images / BATCH) * BATCH;

/** Operations of an epoch's training and evaluations, over those of its training. */
function floorOf(model, images) {
  const { train, evaluate } = countArithmetic(makeTrainee(model, BATCH, images).program);
  return 1 + ((images + tested(images)) * evaluate) / (trained(images) * train);
}

/** Rounds of all contestants in turn. */
function compare(bench, options) {
  const results = contestantsOf(bench, options).map((each) => ({ ...each, runs: [] }));
  for (let round = 1; round <= options.rounds; round++) {
    for (const result of results.filter(({ problem }) => problem === undefined)) {
      const out = mkdtempSync(join(tmpdir(), 'rethink-gen-run-'));
      try {
        const { problem, ...run } = result.run(out);
        if (problem === undefined) result.runs.push(run);
        else result.problem = problem;
        const shown =
          problem ?? `${run.epoch.toFixed(2)} s an epoch, ${run.whole.toFixed(1)} s in all`;
        console.error(`${titleOf(bench)}, round ${round}, ${result.name}: ${shown}`);
      } finally {
        rmSync(out, { recursive: true, force: true });
      }
    }
  }
  return results.map(({ run, ...result }) => result);
}

/** Of each engine of ours, over each form of PyTorch: how many times as long that takes. */
function ratiosOf(results) {
  const ran = (group) => results.filter((each) => each.group === group && each.runs.length > 0);
  const seconds = ({ runs }, what) => runs.map((run) => run[what]);
  return ran('ours').flatMap((mine) =>
    ran('PyTorch').map((theirs) => ({
      ours: mine.name,
      peer: theirs.name,
      epoch: ratioOf(seconds(theirs, 'epoch'), seconds(mine, 'epoch')),
      whole: ratioOf(seconds(theirs, 'whole'), seconds(mine, 'whole')),
    })),
  );
}

const titleOf = ({ model, precision, labels }) => `${model}, ${precision}, ${labels} labels`;

/** A case as text. */
function report(bench, results, ratios, { images, rest }) {
  // Of a network that keys have made another one, nothing is known.
  const least = rest.length > 0 ? Number.NaN : floorOf(bench.model, images);
  const head = ['', 's/epoch', 'training', 'in all', 'epochs', 'train %', 'epoch ÷ floor'];
  const rows = results.map(({ name, runs, problem }) => {
    if (problem !== undefined) return [name, `failed: ${problem}`];
    const of = (what) => median(runs.map((run) => run[what]));
    const floor = median(runs.map(({ epoch, train }) => epoch / (train * least)));
    const accuracy = (100 * of('train_accuracy')).toFixed(2);
    return [
      name,
      number(of('epoch')),
      number(of('train')),
      number(of('whole')),
      String(of('epochs')),
      accuracy,
      Number.isNaN(floor) ? '–' : floor.toFixed(2),
    ];
  });
  const lines = ratios.map(
    ({ ours, peer, epoch, whole }) =>
      `${peer} ÷ ${ours}: an epoch ${ratio(epoch)}, in all ${ratio(whole)}\n`,
  );
  return `${titleOf(bench)}\n${columns([head, ...rows])}${lines.join('')}`;
}

function main() {
  const options = readOptions(process.argv.slice(2), OPTIONS);
  if (options.help) return console.log(HELP);
  if (!existsSync(join(options['data-dir'] ?? '', 'cifar10', 'train.bin'))) {
    console.error(
      'error: --data-dir has no cifar10 in it.\nhint: rethink-gen data list tells where it is.',
    );
    process.exit(2);
  }
  if (options.rest.length > 0 && peerForms(options).length > 0) {
    console.error(
      `error: '${options.rest[0]}' would change our run alone.\nhint: Give --forms none as well.`,
    );
    process.exit(2);
  }
  warnIfBusy();
  if (peerForms(options).length > 0) {
    const problem = missingPeer('torch', options.python);
    if (problem !== undefined) {
      console.error(problem);
      options.forms = [];
    }
  }
  for (const model of options.models) {
    for (const precision of options.precision) {
      for (const labels of options.labels) {
        const bench = { model, precision, labels };
        const results = compare(bench, options);
        const ratios = ratiosOf(results);
        if (results.some(({ group, problem }) => group === 'ours' && problem)) process.exitCode = 1;
        const line = { event: 'run', ...bench, results, ratios };
        process.stdout.write(
          options.json
            ? `${JSON.stringify(line)}\n`
            : `${report(bench, results, ratios, options)}\n`,
        );
      }
    }
  }
}

main();
