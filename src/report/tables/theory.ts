import type { TheoryResult } from '../../results/theory.js';
import { grouped, percent } from '../../text.js';
import { conditions } from '../conditions.js';
import type { ReportRun } from '../runs.js';
import type { Row, Table } from './types.js';

type Line = [what: string, expected: string, measured: string];

const NAMES: Record<TheoryResult['experiment'], string> = {
  theorem1: 'Theorem 1',
  kernels: 'minimum-norm kernel',
  rademacher: 'random signs',
  linear: 'SGD on a linear model',
};

/** What the experiments of the theory found, number by number. */
export function theoryTable(runs: readonly ReportRun[]): Table {
  const rows = runs.flatMap((run): Row[] => {
    const { theory } = run;
    if (theory === null) return [];
    const told = conditions([run]);
    return linesOf(theory).map((line) => ({ cells: [NAMES[theory.experiment], ...line, told] }));
  });
  return {
    id: 'theory',
    title: 'Experiments of the theory',
    note: 'Expected: what the paper proves or states, for this n.',
    columns: [
      { title: 'experiment' },
      { title: 'what' },
      { title: 'expected', numeric: true },
      { title: 'measured', numeric: true },
      { title: 'conditions' },
    ],
    rows,
    measured: rows.length > 0,
  };
}

function linesOf(r: TheoryResult): Line[] {
  switch (r.experiment) {
    case 'theorem1': {
      const weights = r.depth === 2 ? grouped(2 * r.n + r.dimension) : 'O(n + d)';
      return [
        ['points fitted', grouped(r.n), grouped(r.fitted)],
        ['weights', weights, grouped(r.weights)],
        [
          'depth, width',
          r.depth === 2 ? `2, ${grouped(r.n)}` : 'O(n / depth) wide',
          `${r.depth}, ${grouped(r.width)}`,
        ],
        ['largest error (labels are missed from 0.5 on)', '0', short(r.max_error)],
        ['condition number', '–', short(r.condition)],
        ['seconds to build', '–', r.build_seconds.toFixed(2)],
      ];
    }
    case 'kernels':
      return [
        [`test error, ${r.features}, n = ${grouped(r.n)}`, 'see Table 3', percent(r.test_error)],
        ['training error', r.ridge > 0 ? '–' : '0.00 %', percent(r.train_error)],
        ['norm', '–', short(r.norm)],
        ['relative residual', '0', short(r.relative_residual)],
      ];
    case 'rademacher':
      return [
        [`correlation with random signs, n = ${grouped(r.n)}`, '≈ 1', r.correlation.toFixed(4)],
        ['bound on the gap of train and test error', '≥ 0.5: says nothing', r.gap_bound.toFixed(4)],
      ];
    case 'linear':
      return [
        ['distance to the minimum-norm solution, relative', '→ 0', short(r.relative_distance)],
        ['part of w outside the span of the images', '0', short(r.outside_span)],
        ['norm', short(r.minimum_norm), short(r.norm)],
        ['residual, relative', '→ 0', short(r.relative_residual)],
      ];
  }
}

function short(value: number): string {
  const size = Math.abs(value);
  return size !== 0 && (size < 1e-3 || size >= 1e6) ? value.toExponential(2) : value.toPrecision(4);
}
