import type { VerdictKind } from './verdict.js';

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
export const COMPARED: Column[] = [
  { title: 'paper', numeric: true },
  { title: 'measured', numeric: true },
  { title: 'difference', numeric: true },
  { title: 'verdict' },
  { title: 'because' },
  { title: 'conditions' },
];

/** The last cells of a row that nothing was measured for. */
export function notRun(paper: string): Pick<Row, 'verdict'> & { cells: string[] } {
  return { cells: [paper, '–', '–', 'not run', '', ''], verdict: 'not-run' };
}
