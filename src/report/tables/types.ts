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
}

/** Whether any of a table's numbers was measured. */
export function isMeasured({ rows }: Table): boolean {
  return rows.some(({ verdict }) => verdict !== 'not-run');
}

/** The columns that a comparison with the paper ends with. */
export const COMPARED = ['paper', 'measured', 'difference', 'verdict', 'because', 'conditions'];

/** What stands in a comparison's columns behind the paper's number. */
export type Compared = Record<'measured' | 'difference' | 'conditions', string> & {
  verdict: Verdict;
};

/** The rows of one number of the paper: one for all that was measured for it, or one that says that nothing was. */
export function comparedRows<T>(
  heads: readonly string[],
  paper: string,
  measured: readonly T[],
  compare: (one: T) => Compared,
): Row[] {
  if (measured.length === 0) {
    return [{ cells: [...heads, paper, '–', '–', 'not run', '', ''], verdict: 'not-run' }];
  }
  return measured.map((one) => {
    const { measured, difference, verdict, conditions } = compare(one);
    const { kind, text, because } = verdict;
    return {
      cells: [...heads, paper, measured, difference, text, because, conditions],
      verdict: kind,
    };
  });
}
