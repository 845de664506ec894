import { type PaperNumber, toleranceOf } from '../../paper.js';
import type { StoredEpochRow } from '../../results/training.js';
import { failedToFit } from '../fit.js';
import { type Group, type Spread, spread } from '../groups.js';
import { lastRow, type ReportRun } from '../runs.js';
import { type Comparability, hasEnded, settled } from './comparability.js';

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
  /** Whether the number is not the paper's, whatever is said of it; left out where it can't be held against that. */
  off?: boolean;
}

/** A group's runs that can be judged: none where none has come to its end. */
export function unfinished({ runs }: { runs: readonly ReportRun[] }): Verdict | null {
  if (runs.some(hasEnded)) return null;
  const states = [...new Set(runs.map(({ state }) => state))].join(', ');
  return { kind: 'unfinished', text: states, because: '' };
}

/** How many runs of a group have ended without fitting their training set. */
export function failures({ runs }: Pick<Group, 'runs'>): number {
  return runs.filter((run) => failedToFit(run) === true).length;
}

/** How many runs of a group have not converged, in words; empty where all have. */
export function failuresText(group: Pick<Group, 'runs'>): string {
  const failed = failures(group);
  if (failed === 0) return '';
  const { length } = group.runs;
  return failed === length ? 'did not converge' : `${failed} of ${length} did not converge`;
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
    verdict: verdictOn(Math.abs(by) <= toleranceOf(paper.value), paper, comparable),
  };
}

function verdictOn(
  isWithin: boolean,
  { unconfirmed }: PaperNumber,
  comparable: Comparability,
): Verdict {
  const { scaled, loose } = comparable;
  const because = becauseOf(comparable);
  if (scaled.length > 0) return notComparable('scaled: not comparable', because);
  const text = `${isWithin ? 'within tolerance' : 'off'}${unconfirmed ? ' †' : ''}`;
  const off = !isWithin;
  if (loose.length > 0) {
    return { ...notComparable(`not strictly comparable: ${text}`, because), off };
  }
  return { kind: isWithin ? 'within' : 'off', text, because, off };
}

/** All that is not the paper's, what weighs most first. */
export function becauseOf({ scaled, loose, told }: Comparability): string {
  return [...scaled, ...loose, ...told].join(', ');
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

/** The groups that have a column, each with its `percents`: of runs that have ended, where some have. */
export function measuredIn(groups: readonly Group[], column: keyof StoredEpochRow) {
  return groups.map(settled).flatMap(({ group, pending }) => {
    const values = percents(group, column);
    return values === null ? [] : [{ group, values, pending }];
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
