import type { Config } from '../../config/resolve.js';
import { imagesOf } from '../conditions.js';
import type { ReportRun } from '../runs.js';
import type { Verdict, VerdictKind } from './verdict.js';

/** A table as text: what it is shown as is for others to decide. */
export interface Table {
  /** Names its files. */
  id: string;
  title: string;
  /** Sentences below it. */
  note: string;
  /** Titles. */
  columns: string[];
  rows: Row[];
}

export interface Row {
  /** In the order of the columns. */
  cells: string[];
  verdict?: VerdictKind;
  /** Whether its number is not the paper's; left out where it can't be held against that. */
  off?: boolean;
  /** What its numbers are of. */
  runs?: readonly ReportRun[];
  /** Of a number of the paper that nothing was run for: whether a config is what it asks for. */
  asks?(config: Config): boolean;
}

/** Whether any of a table's numbers was measured. */
export function isMeasured({ rows }: Table): boolean {
  return rows.some(({ verdict }) => verdict !== 'not-run');
}

/** The columns that a comparison with the paper ends with. */
export const COMPARED = [
  ...['paper', 'measured', 'difference', 'verdict', 'because'],
  ...['n', 'seeds', 'taken', 'conditions'],
];

/** What a number is the mean of. */
export interface Sample {
  runs: readonly ReportRun[];
  /** Runs with seeds of their own that have it. */
  seeds: number;
  /** When it was measured: `last epoch`, `when fitted` … */
  taken: string;
}

/** What stands in a comparison's columns behind the paper's number. */
export type Compared = Record<'measured' | 'difference' | 'conditions', string> & {
  verdict: Verdict;
  sample: Sample;
};

/** The rows of one number of the paper: one for all that was measured for it, or one that says that nothing was. */
export function comparedRows<T>(
  heads: readonly string[],
  paper: string,
  asks: (config: Config) => boolean,
  measured: readonly T[],
  compare: (one: T) => Compared,
): Row[] {
  if (measured.length === 0) {
    const nothing = ['–', '–', 'not run', '', '', '', '', ''];
    return [{ cells: [...heads, paper, ...nothing], verdict: 'not-run', asks }];
  }
  return measured.map((one) => {
    const { measured, difference, verdict, sample, conditions } = compare(one);
    const { kind, text, because, off } = verdict;
    const { runs, seeds, taken } = sample;
    const of = [imagesOf(runs), String(seeds), taken, conditions];
    const cells = [...heads, paper, measured, difference, text, because, ...of];
    return { cells, verdict: kind, runs, ...(off !== undefined && { off }) };
  });
}
