#!/usr/bin/env node
/** rethink-gen's training steps beside those of PyTorch and JAX, in turn: see README.md. */
import { spawnSync } from 'node:child_process';
import { availableParallelism, loadavg } from 'node:os';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { contestantsOf, missingPeer, PEER_NAMES, runRound } from './contestants.mjs';
import { report, stillRuns, verdicts } from './ratios.mjs';

// In a checkout, any command compiles what has changed.
const bin = fileURLToPath(new URL('../../bin/rethink-gen.js', import.meta.url));
if (
  spawnSync(process.execPath, [bin, '--version'], { stdio: ['ignore', 'ignore', 'inherit'] })
    .status !== 0
) {
  process.exit(1);
}
const { ENGINES, PRECISIONS } = await import('../../dist/config/engines.js');

const HELP = `Usage: node scripts/bench/compare.mjs [options]

  --models NAMES     inception,alexnet,mlp (all)
  --precision NAMES  ${PRECISIONS.join(',')} (float32)
  --engine NAMES     ours: ${ENGINES.join(',')} (tensorflow)
  --eager            ours op by op
  --peers NAMES      ${PEER_NAMES.join(',')} (all)
  --forms NAMES      of the peers: eager, compile, eager-channels_last, loop, … (all)
  --all-forms        slow forms keep running after the first round
  --lrn KIND         library or banded: how the peers' AlexNet normalizes (library)
  --rounds N (3)  --seconds S (5)  --batch N (128)  --threads N (all)
  --device NAME      of the peers: cpu or cuda (cpu)
  --tf32             allow TF32 for float32 products
  --python PATH      with the peers' packages (python3)
  --json             a line of JSON for each case`;

const LISTS = {
  models: ['inception', 'alexnet', 'mlp'],
  precision: PRECISIONS,
  engine: ENGINES,
  peers: PEER_NAMES,
};
const NUMBERS = { rounds: 3, seconds: 5, batch: 128, threads: undefined };
const DEFAULTS = { precision: 'float32', engine: 'tensorflow', device: 'cpu', python: 'python3' };

/** Options of the command line; ends the process where they are none. */
function readOptions(args) {
  const named = [
    ...Object.keys(LISTS),
    ...Object.keys(NUMBERS),
    'forms',
    'lrn',
    'device',
    'python',
  ];
  const flags = ['eager', 'tf32', 'all-forms', 'json', 'help'];
  const options = Object.fromEntries([
    ...named.map((name) => [name, { type: 'string' }]),
    ...flags.map((name) => [name, { type: 'boolean' }]),
  ]);
  try {
    const { values } = parseArgs({ args, options });
    const given = { ...DEFAULTS, ...values, forms: listOf(values.forms) };
    for (const [name, known] of Object.entries(LISTS)) {
      given[name] = given[name] === undefined ? known : listOf(given[name]);
      const strange = given[name].find((item) => !known.includes(item));
      if (strange) throw new Error(`--${name}: '${strange}' is none of ${known.join(', ')}`);
    }
    for (const [name, fallback] of Object.entries(NUMBERS)) {
      given[name] = values[name] === undefined ? fallback : Number(values[name]);
      if (given[name] === undefined || given[name] > 0) continue;
      throw new Error(`--${name} is '${values[name]}', and should be a number above 0`);
    }
    return given;
  } catch (error) {
    console.error(`error: ${error.message}\nhint: --help lists the options.`);
    process.exit(2);
  }
}

function listOf(text = '') {
  return text.split(',').filter((item) => item !== '');
}

/** A busy machine halves a peer that waits for its threads by spinning, and not us: such ratios would flatter. */
function warnIfBusy() {
  const [load] = loadavg();
  if (load < 0.25 * availableParallelism()) return;
  console.error(
    `warning: this machine is busy (load ${load.toFixed(1)} on ${availableParallelism()} cores): the ratios say little.`,
  );
}

/** The peers that this Python has; why it hasn't the others goes to stderr, each reason once. */
function presentPeers({ peers, python }) {
  const problems = peers.map((peer) => missingPeer(peer, python));
  for (const problem of new Set(problems)) if (problem !== undefined) console.error(problem);
  return peers.filter((_, i) => problems[i] === undefined);
}

/** Rounds of all contestants in turn. */
function compare(bench, options) {
  const contestants = contestantsOf(bench, options).map((entry) => ({ ...entry, rounds: [] }));
  for (let round = 1; round <= options.rounds; round++) {
    const inFirst = round === 1 || options['all-forms'];
    const running = contestants.filter(
      (entry) => entry.problem === undefined && (inFirst || stillRuns(entry, contestants)),
    );
    for (const entry of running) {
      const outcome = runRound(entry, options);
      const shown = outcome.problem ?? `${outcome.rate.toFixed(0)} images/s`;
      console.error(`${bench.model} ${bench.precision}, round ${round}, ${entry.name}: ${shown}`);
      if (outcome.problem !== undefined) entry.problem = outcome.problem;
      else {
        entry.rounds.push(outcome.rate);
        entry.title = outcome.title;
      }
    }
  }
  return contestants.map(({ name, group, title, rounds, problem }) =>
    problem === undefined ? { name, group, title, rounds } : { name, group, rounds: [], problem },
  );
}

function main() {
  const options = readOptions(process.argv.slice(2));
  if (options.help) return console.log(HELP);
  warnIfBusy();
  options.peers = presentPeers(options);
  let failed = options.peers.length === 0;
  for (const model of options.models) {
    for (const precision of options.precision) {
      const bench = { model, precision };
      const results = compare(bench, options);
      failed ||= results.some(({ group, problem }) => group === 'ours' && problem !== undefined);
      const line = { event: 'comparison', ...bench, results, verdicts: verdicts(results) };
      process.stdout.write(
        options.json ? `${JSON.stringify(line)}\n` : `${report(bench, results)}\n`,
      );
    }
  }
  if (failed) process.exitCode = 1;
}

main();
