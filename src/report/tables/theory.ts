import { linesOf, titleOf } from '../../results/theory.js';
import { conditions } from '../conditions.js';
import type { ReportRun } from '../runs.js';
import type { Row, Table } from './types.js';

/** What the experiments of the theory found, number by number. */
export function theoryTable(runs: readonly ReportRun[]): Table {
  const rows = runs.flatMap((run): Row[] => {
    const { theory } = run;
    if (theory === null) return [];
    const told = conditions([run]);
    return linesOf(theory).map((line) => ({
      cells: [titleOf(theory), ...line, told],
      runs: [run],
    }));
  });
  return {
    id: 'theory',
    title: 'Experiments of the theory',
    note: 'Expected: what the paper proves or states, for this n.',
    columns: ['experiment', 'what', 'expected', 'measured', 'conditions'],
    rows,
  };
}
