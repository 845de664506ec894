import { loadExperiment } from '../../src/config/experiment.js';
import type { TheoryResult } from '../../src/results/theory.js';
import { runExperiment } from '../../src/run/index.js';
import type { RunOptions } from '../../src/setup/options.js';
import { temporaryFolder } from '../helpers/temporary-folder.js';

/** Runs an experiment of the theory as the command line would, into a folder of its own. */
export async function runTheoryConfig(
  config: object,
  options: RunOptions = {},
): Promise<{ result: TheoryResult; runDir: string }> {
  const { trials } = await loadExperiment({ name: 'theory', ...config });
  const finished = await runExperiment(trials[0]!.config, { ...options, out: temporaryFolder() });
  return finished as { result: TheoryResult; runDir: string };
}
