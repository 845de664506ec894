#!/usr/bin/env node
/** rethink-gen's training steps beside those of PyTorch and JAX, in turn: see README.md. */
import { listOf, readOptions, warnIfBusy } from './command-line.mjs';
import {
  compileCheckout,
  contestantsOf,
  missingPeer,
  PEER_NAMES,
  runRound,
} from './contestants.mjs';
import { report, stillRuns, verdicts } from './ratios.mjs';

compileCheckout();
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

const OPTIONS = {
  lists: {
    models: ['inception', 'alexnet', 'mlp'],
    precision: PRECISIONS,
    engine: ENGINES,
    peers: PEER_NAMES,
  },
  numbers: { rounds: 3, seconds: 5, batch: 128, threads: undefined },
  texts: ['forms', 'lrn', 'device', 'python'],
  flags: ['eager', 'tf32', 'all-forms', 'json'],
  defaults: { precision: 'float32', engine: 'tensorflow', device: 'cpu', python: 'python3' },
};

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
  const options = readOptions(process.argv.slice(2), OPTIONS);
  if (options.help) return console.log(HELP);
  options.forms = listOf(options.forms);
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
