import { stringify as toYaml } from 'yaml';
import type { Experiment, Trial } from '../../config/experiment.js';
import { portableConfig } from '../../config/portable.js';
import { type Estimate, estimator } from '../../sweep/estimate.js';
import { findEarlierRun } from '../../sweep/find.js';
import { duration } from '../../text.js';
import type { CliContext, Inspector } from '../context.js';
import { emit } from '../watch/json-events.js';
import { roomOf, shownPath } from './table.js';

/** What a trial would be, without any of it being run. */
interface Plan {
  trial: Trial;
  /** `null` where only the data could tell. */
  parameters: number | null;
  /** `null`: nothing measured on this machine so far is like it. */
  estimate: Estimate | null;
  /** Run directory of a sweep's trial that is finished already. */
  finished: string | null;
}

export interface DryRunOptions {
  json?: boolean;
  dataDir?: string;
  out?: string;
  jobs?: number;
}

/**
 * Says what would be run, as YAML or one JSON line: resolved config, trials, trained parameters, how long it takes at
 * most, and what is missing. Needs neither data nor engine, and ends well even where they are missing.
 */
export async function dryRun(
  experiment: Experiment,
  options: DryRunOptions,
  context: CliContext,
): Promise<number> {
  const inspector = await context.loadInspector();
  const plans = await planTrials(experiment, options, inspector, context);
  const missing = await allMissing(experiment.trials, options.dataDir, inspector);
  const config = experiment.base ?? experiment.trials[0]!.config;
  const time = totalTime(plans, experiment.isSweep ? (options.jobs ?? 1) : 1);
  if (options.json) {
    const trials = plans.map(({ trial, parameters, estimate, finished }) => ({
      ...trial,
      config: portableConfig(trial.config),
      parameters,
      estimate,
      finished,
    }));
    emit(context, 'dry-run', { config: portableConfig(config), trials, time, missing });
    return 0;
  }
  const width = roomOf(context.stdout);
  const parts = [yaml(portableConfig(config), width), parameterLines(plans)];
  if (experiment.isSweep) parts.push(yaml({ trials: plans.map(plannedTrial) }, width));
  parts.push(yaml({ time }, width));
  parts.push(missing.length === 0 ? 'missing: []\n' : yaml({ missing }, width));
  context.stdout.write(parts.join(''));
  return 0;
}

async function planTrials(
  { trials, isSweep }: Experiment,
  { out = 'results' }: DryRunOptions,
  inspector: Inspector,
  context: CliContext,
): Promise<Plan[]> {
  const timings = (await context.loadTimings()).read();
  const estimate = estimator(timings, (config) => inspector.flops(config));
  const plans: Plan[] = [];
  for (const trial of trials) {
    const earlier = isSweep ? await findEarlierRun(out, trial) : undefined;
    plans.push({
      trial,
      parameters: (await inspector.parameters(trial.config)) ?? null,
      estimate: (await estimate(trial.config)) ?? null,
      finished: earlier?.found === 'finished' ? shownPath(earlier.run.runDir) : null,
    });
  }
  return plans;
}

/** All that is not finished yet, for a person. */
function totalTime(plans: readonly Plan[], jobs: number): string {
  const left = plans.filter(({ finished }) => finished === null);
  if (left.length === 0) return 'none, all is finished';
  const known = left.flatMap(({ estimate }) => (estimate === null ? [] : [estimate]));
  if (known.length === 0) return 'unknown: no run on this machine so far was like this';
  const seconds = known.reduce((sum, estimate) => sum + estimate.seconds, 0) / jobs;
  const rough = known.some(({ basis }) => basis === 'other');
  const basis = rough
    ? "roughly, from another network's speed here"
    : 'as fast as earlier runs here';
  const unknown = left.length - known.length;
  const beside = unknown === 0 ? '' : `, and ${unknown} of ${left.length} trials unknown`;
  const atOnce = jobs === 1 ? '' : `, ${jobs} at once if that slows none down`;
  return `at most ${duration(seconds)} if all epochs are needed (${basis}${atOnce})${beside}`;
}

/** Plain digits, on a line of its own, so that a script can pick it out. */
function parameterLines(plans: Plan[]): string {
  const [first] = plans;
  const same = plans.every(({ parameters }) => parameters === first?.parameters);
  return same && first ? `parameters: ${first.parameters}\n` : '';
}

function plannedTrial({ trial, parameters, estimate, finished }: Plan): object {
  return {
    id: trial.id,
    label: trial.label,
    parameters,
    ...(finished === null
      ? { time: estimate ? `at most ${duration(estimate.seconds)}` : 'unknown' }
      : { finished }),
  };
}

async function allMissing(
  trials: Trial[],
  dataDir: string | undefined,
  inspector: Inspector,
): Promise<string[]> {
  const sentences = new Set<string>();
  // Trials mostly share data and engine: each pair is looked for once.
  const seen = new Set<string>();
  for (const { config } of trials) {
    const key = JSON.stringify([config.data, config.engine]);
    if (seen.has(key)) continue;
    seen.add(key);
    for (const sentence of await inspector.missing(config, dataDir)) sentences.add(sentence);
  }
  return [...sentences];
}

/** On a terminal long sentences are folded, as YAML may; elsewhere they stay on their line, for grep. */
function yaml(value: unknown, width: number): string {
  return toYaml(value, { lineWidth: Number.isFinite(width) ? width : 0 });
}
