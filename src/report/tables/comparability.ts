import type { Config } from '../../config/resolve.js';
import { LEAST_EPOCHS } from '../../paper.js';
import type { RunResult, UsedData } from '../../results/training.js';
import { counted, grouped } from '../../text.js';
import { stopsEarly } from '../fit.js';
import type { Group } from '../groups.js';
import { lastRow, type ReportRun } from '../runs.js';
import { hold, type Rules } from '../settings/rules.js';

/** What of a group of runs is not the paper's; all empty where it is. */
export interface Comparability {
  /** Fewer images or epochs, other settings: no verdict. */
  scaled: string[];
  /** Images that were encoded anew, a choice that nobody else has made: strictly not the paper's, near enough for a verdict. */
  loose: string[];
  /** Told, and no reason against a verdict. */
  told: string[];
  /** All that the paper leaves open, as it was chosen. */
  open: string[];
}

type Data = { data?: Partial<UsedData> | undefined };

/**
 * Holds runs against what the paper says for one of its numbers.
 *
 * @param size Images of the whole data set.
 */
export function comparability<Cell>(
  config: Config,
  results: readonly Data[],
  cell: Cell,
  rules: Rules<Cell>,
  size: Pick<UsedData, 'train' | 'test'>,
): Comparability {
  const { differing, unusual, reduced, open } = hold(config, rules, cell);
  return {
    scaled: [...smaller(results, size), ...differing],
    loose: [...new Set(results.flatMap(originOf)), ...unusual],
    told: reduced,
    open,
  };
}

/** They were encoded with loss since. */
export const IMPORTED = 'images were encoded anew';
/** By where a run says that its images come from. */
const ORIGINS: Record<string, string[]> = {
  official: [],
  imported: [IMPORTED],
  images: ["images are not known to be the authors' bytes"],
  generated: ['images are generated'],
};

function originOf({ data }: Data): string[] {
  return ORIGINS[data?.origin ?? ''] ?? ['origin of the images unknown'];
}

/** Whether other images were used than all of the data set, or nobody can tell. */
function smaller(results: readonly Data[], size: Pick<UsedData, 'train' | 'test'>): string[] {
  const all = results.map(({ data = {} }) => data);
  const part = all.find(({ train, test }) => train !== size.train || test !== size.test);
  if (part === undefined) return [];
  const { train, test } = part;
  if (train === undefined || test === undefined) return ['images unknown'];
  return [train === size.train ? `${grouped(test)} test images` : `n = ${grouped(train)}`];
}

/**
 * Whether trainings went as far as a number of the paper asks.
 *
 * A training that has all of its training set right has what the paper says of training accuracy, and would keep it; and so
 * for the test accuracy of random labels, a guess at any time. With true labels a network goes on to get better on test
 * images after that, while its rate decays: a training that was stopped then has no number to hold against Table 1's, which
 * are of whole budgets.
 *
 * @param last Whether the number goes on changing once everything is fitted.
 */
export function budget(
  { runs }: Pick<Group, 'runs'>,
  last: boolean,
): Pick<Comparability, 'scaled' | 'told'> {
  const scaled = new Set<string>();
  const told = new Set<string>();
  for (const run of runs) {
    const { result, config } = run;
    // Nothing that comes after it would be a number.
    if (result === null || result.outcome === 'diverged') continue;
    const { epochs } = result;
    const isWhole = epochs !== undefined && epochs >= LEAST_EPOCHS;
    if (isWhole && !endedEarly(result, config)) continue;
    const length = epochs === undefined ? 'epochs unknown' : counted(epochs, 'epoch');
    const ended = result.outcome === 'fitted' ? 'ended when all was fitted, after ' : '';
    if (lastRow(run)?.train_accuracy !== 1) {
      scaled.add(isWhole ? 'ended before all was fitted' : length);
    } else if (!last) told.add(`${ended || 'all fitted in '}${length}`);
    else if (!isWhole) scaled.add(`${ended}${length}`);
  }
  return { scaled: [...scaled], told: [...told] };
}

/** Whether a training was stopped at a training accuracy below 100 %. */
function endedEarly({ outcome }: Pick<RunResult, 'outcome'>, config: Config): boolean {
  return outcome === 'fitted' && stopsEarly({ config });
}

/** Runs that have ended; all of them where none has. */
export function settled({ config, runs }: Group): { group: Group; pending: string[] } {
  const ended = runs.filter(hasEnded);
  if (ended.length === 0 || ended.length === runs.length) {
    return { group: { config, runs }, pending: [] };
  }
  const open = runs.filter((run) => !hasEnded(run)).map(({ state }) => state);
  const states = [...new Set(open)].join(', ');
  return { group: { config, runs: ended }, pending: [`${open.length} not counted: ${states}`] };
}

/** Whether a run has come to an end of its own. */
export function hasEnded({ state }: Pick<ReportRun, 'state'>): boolean {
  return state === 'finished' || state === 'diverged';
}
