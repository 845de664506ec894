import type { Verdict, VerdictKind } from './verdict.js';

/** A table as text: what it is shown as is for others to decide. */
export interface Table {
  /** Names its files. */
  id: string;
  title: string;
  /** Sentences below it. */
  note: string;
  columns: Column[];
  rows: Row[];
  /** Whether any of its numbers was measured. */
  measured: boolean;
}

export interface Column {
  title: string;
  numeric?: true;
}

export interface Row {
  /** In the order of the columns. */
  cells: string[];
  verdict?: VerdictKind;
}

/** The columns that a comparison with the paper ends with. */
const COMPARED: Column[] = [
  { title: 'paper', numeric: true },
  { title: 'measured', numeric: true },
  { title: 'difference', numeric: true },
  { title: 'verdict' },
  { title: 'because' },
  { title: 'conditions' },
];

/** One of the paper's tables. @param heads Titles of the columns before those of the comparison. */
export function comparison(
  table: Pick<Table, 'id' | 'title' | 'note' | 'rows'> & { heads: string[] },
): Table {
  const { heads, ...rest } = table;
  return {
    ...rest,
    columns: [...heads.map((title) => ({ title })), ...COMPARED],
    measured: rest.rows.some(({ verdict }) => verdict !== 'not-run'),
  };
}

/** A number of the paper with what was measured for it. */
export function comparedRow(
  heads: readonly string[],
  given: Record<'paper' | 'measured' | 'difference' | 'conditions', string> & { verdict: Verdict },
): Row {
  const { paper, measured, difference, verdict, conditions } = given;
  const { kind, text, because } = verdict;
  return {
    cells: [...heads, paper, measured, difference, text, because, conditions],
    verdict: kind,
  };
}

/** A number of the paper that nothing was measured for. */
export function notRunRow(heads: readonly string[], paper: string): Row {
  return { cells: [...heads, paper, '–', '–', 'not run', '', ''], verdict: 'not-run' };
}
