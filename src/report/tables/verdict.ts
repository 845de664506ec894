import { LEAST_EPOCHS, type PaperNumber, SETTINGS, TOLERANCE } from '../../paper.js';
import type { RunResult, StoredEpochRow } from '../../results/training.js';
import { counted, grouped } from '../../text.js';
import { failedToFit } from '../fit.js';
import { type Group, type Spread, spread } from '../groups.js';
import { lastRow, type ReportRun } from '../runs.js';

export type VerdictKind =
  | 'within'
  | 'off'
  | 'did-not-converge'
  | 'not-comparable'
  | 'unfinished'
  | 'not-run';

export interface Verdict {
  kind: VerdictKind;
  text: string;
  /** What of it is not the paper's; empty where all is. */
  because: string;
}

/** Why numbers of a group can't be held against the paper's; empty where they can. */
export interface Comparability {
  /** Fewer images or epochs, other settings. */
  scaled: string[];
  /** Images that were encoded anew: strictly not the paper's, near enough for a difference to be told. */
  imported: boolean;
}

/** They were encoded with loss since. */
export const IMPORTED = 'images were encoded anew';

/** What of a training is not the paper's. */
export function comparability({ config, runs }: Group, paper: { decay?: number }): Comparability {
  const results = runs.map(({ result }) => result).filter((result) => result !== null);
  const { train } = config;
  const given = (name: string, value: number, expected: number | undefined) =>
    expected !== undefined && value !== expected ? [`${name} ${value}`] : [];
  const scaled = [
    ...smaller(results),
    ...results
      .filter(({ epochs = 0 }) => epochs < LEAST_EPOCHS)
      .slice(0, 1)
      .map(({ epochs }) => (epochs === undefined ? 'epochs unknown' : counted(epochs, 'epoch'))),
    ...given('learning rate', train.learningRate, SETTINGS.learningRate[config.model.name]),
    ...given('decay', train.decay, paper.decay ?? SETTINGS.decay),
    ...given('momentum', train.momentum, SETTINGS.momentum),
    ...given('batch', train.batchSize, SETTINGS.batchSize),
  ];
  return { scaled, imported: results.some(({ data }) => data?.origin !== 'official') };
}

/** Whether fewer images were used than the data set has, or nobody can tell. */
export function smaller(results: readonly Pick<RunResult, 'data'>[]): string[] {
  const all = results.map(({ data = {} }) => data);
  const part = all.find(
    ({ train, test, full_train, full_test }) =>
      train === undefined || test === undefined || train !== full_train || test !== full_test,
  );
  if (part === undefined) return [];
  const { train, test, full_train, full_test } = part;
  if ([train, test, full_train, full_test].includes(undefined)) return ['images unknown'];
  return [train === full_train ? `${grouped(test)} test images` : `n = ${grouped(train)}`];
}

/** A group's runs that can be judged: none while one is still to come to its end. */
export function unfinished({ runs }: { runs: readonly ReportRun[] }): Verdict | null {
  const open = runs.filter(({ state }) => state !== 'finished' && state !== 'diverged');
  if (open.length === 0) return null;
  const states = [...new Set(open.map(({ state }) => state))].join(', ');
  return { kind: 'unfinished', text: states, because: '' };
}

/** Whether every run of a group ended without fitting its training set. */
export function didNotConverge({ runs }: Group): boolean {
  return runs.every((run) => failedToFit(run) === true);
}

/**
 * Holds a measured number against the paper's.
 *
 * @param paper In percent.
 * @param measured In percent.
 */
export function judge(paper: PaperNumber, measured: Spread, comparable: Comparability) {
  const by = measured.mean - paper.value;
  const isScaled = comparable.scaled.length > 0;
  return {
    measured: measuredText(measured),
    // With a true minus; a dash where scale makes it meaningless.
    difference: isScaled ? '–' : `${by < 0 ? '−' : '+'}${Math.abs(by).toFixed(2)}`,
    verdict: verdictOn(Math.abs(by) <= TOLERANCE, paper, comparable),
  };
}

function verdictOn(
  isWithin: boolean,
  { unconfirmed }: PaperNumber,
  { scaled, imported }: Comparability,
): Verdict {
  if (scaled.length > 0) return notComparable('scaled: not comparable', scaled.join(', '));
  const text = `${isWithin ? 'within tolerance' : 'off'}${unconfirmed ? ' †' : ''}`;
  if (imported) return notComparable(`not strictly comparable: ${text}`, IMPORTED);
  return { kind: isWithin ? 'within' : 'off', text, because: '' };
}

export function notComparable(text: string, because: string): Verdict {
  return { kind: 'not-comparable', text, because };
}

/** Mean and range of a column after the last evaluated epoch, in percent; `null` where no run has it. */
export function percents({ runs }: Group, column: keyof StoredEpochRow): Spread | null {
  return spread(
    runs.map((run) => {
      const value = lastRow(run)?.[column];
      return typeof value === 'number' ? 100 * value : undefined;
    }),
  );
}

/** The groups that have a column, each with its `percents`. */
export function measuredIn(groups: readonly Group[], column: keyof StoredEpochRow) {
  return groups.flatMap((group) => {
    const values = percents(group, column);
    return values === null ? [] : [{ group, values }];
  });
}

/** `89.05`, `99.21 †` where it is unconfirmed. */
export function paperText({ value, unconfirmed }: PaperNumber): string {
  return `${value.toFixed(2)}${unconfirmed ? ' †' : ''}`;
}

/** `52.10`, or with the range of the seeds: `52.10 (51.80–52.30)`. */
export function measuredText({ mean, low, high, count }: Spread): string {
  const range = count > 1 ? ` (${low.toFixed(2)}–${high.toFixed(2)})` : '';
  return `${mean.toFixed(2)}${range}`;
}
