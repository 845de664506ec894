import { RethinkError } from '../errors.js';
import { loadExperiment } from './experiment.js';
import { portableConfig } from './portable.js';
import { ConfigError, formatPath, type Key, showValue } from './problems.js';
import type { Config } from './resolve.js';

/** What every resolved config has, whatever its experiment. */
const SECTIONS = [
  'seed',
  'data',
  'corruption',
  'model',
  'regularization',
  'train',
  'engine',
  'record',
] as const satisfies readonly (keyof Config)[];

/**
 * Looks at what a program calls a resolved config: it may have passed a path, a config as it is written, a whole experiment,
 * or a resolved one that it has changed.
 *
 * @param caller The function that wants one, for the message.
 * @throws RethinkError (`usage`): it isn't one, or a value of it is wrong.
 */
export async function requireResolved(given: unknown, caller: string): Promise<void> {
  const section = SECTIONS.find((key) => isSectioned(given) && !(key in given));
  const resolved = section === undefined ? await resolvedAgain(given) : undefined;
  const missing = section === undefined ? resolved && missingKey(resolved, given) : [section];
  if (resolved !== undefined && missing === undefined) return;
  const reason = missing === undefined ? '' : `: ${formatPath(missing)} is missing`;
  throw new RethinkError(
    'usage',
    `${caller} takes a resolved config, not ${describe(given)}${reason}.`,
    {
      hint: 'Take the config of a trial of loadExperiment, which reads a file, a name or an object.',
    },
  );
}

/** What is written of it, resolved once more: a resolved config stays what it is. */
async function resolvedAgain(given: unknown): Promise<Config | undefined> {
  try {
    return (await loadExperiment(portableConfig(given as Config))).trials[0]!.config;
  } catch (error) {
    if (isSectioned(given) && error instanceof ConfigError) throw error;
    return undefined;
  }
}

/** Whether it has the parts that only a resolved config has: what is wrong within one is told as of any config. */
function isSectioned(given: unknown): given is object {
  return typeof given === 'object' && given !== null && 'experiment' in given && 'seeds' in given;
}

function missingKey(resolved: object, given: unknown): Key[] | undefined {
  for (const [key, value] of Object.entries(resolved)) {
    if (value === undefined) continue;
    const there = (given as Record<string, unknown>)[key];
    if (there === undefined) return [key];
    if (typeof value !== 'object' || value === null) continue;
    if (typeof there !== 'object' || there === null) return [key];
    const within = missingKey(value, there);
    if (within !== undefined) return [key, ...within];
  }
  return undefined;
}

function describe(given: unknown): string {
  if (typeof given === 'function') return 'a function';
  if (typeof given !== 'object' || given === null) return showValue(given);
  if ('trials' in given) return 'a whole experiment';
  if ('config' in given) return 'a trial';
  if (isSectioned(given)) return 'this one';
  return 'a config as it is written';
}
