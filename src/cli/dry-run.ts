import { stringify as toYaml } from 'yaml';
import type { Experiment, Trial } from '../config/experiment.js';
import { portableConfig } from '../config/portable.js';
import type { CliContext, Inspector } from './context.js';
import { emit } from './json-events.js';

/** What a trial would be, without any of it being run. */
interface Plan {
  trial: Trial;
  /** `null` where only the data could tell. */
  parameters: number | null;
}

/**
 * Says what would be run, as YAML or one JSON line: resolved config, trials, trained parameters, and what is missing.
 * Needs neither data nor engine, and ends well even where they are missing.
 */
export async function dryRun(
  experiment: Experiment,
  options: { json?: boolean; dataDir?: string },
  context: CliContext,
): Promise<number> {
  const inspector = await context.loadInspector();
  const plans: Plan[] = [];
  for (const trial of experiment.trials) {
    const parameters = await inspector.parameters(trial.config, options.dataDir);
    plans.push({ trial, parameters: parameters ?? null });
  }
  const missing = await allMissing(experiment.trials, options.dataDir, inspector);
  const config = experiment.base ?? experiment.trials[0]!.config;
  if (options.json) {
    const trials = plans.map(({ trial, parameters }) => ({
      ...trial,
      config: portableConfig(trial.config),
      parameters,
    }));
    emit(context, 'dry-run', { config: portableConfig(config), trials, missing });
    return 0;
  }
  const parts = [yaml(portableConfig(config)), parameterLines(plans)];
  if (experiment.isSweep) parts.push(trialLines(plans));
  parts.push(missing.length === 0 ? 'missing: []\n' : yaml({ missing }));
  context.stdout.write(parts.join(''));
  return 0;
}

/** Plain digits, on a line of its own, so that a script can pick it out. */
function parameterLines(plans: Plan[]): string {
  const [first] = plans;
  const same = plans.every(({ parameters }) => parameters === first?.parameters);
  return same && first ? `parameters: ${first.parameters}\n` : '';
}

function trialLines(plans: Plan[]): string {
  const trials = plans.map(({ trial, parameters }) => ({
    id: trial.id,
    label: trial.label,
    parameters,
  }));
  return yaml({ trials });
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

/** Long sentences stay on their line: this is read by people and by grep. */
function yaml(value: unknown): string {
  return toYaml(value, { lineWidth: 0 });
}
