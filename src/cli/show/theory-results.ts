import type {
  KernelFindings,
  LinearFindings,
  RademacherFindings,
  Theorem1Findings,
  TheoryResult,
} from '../../results/theory.js';
import { duration, grouped, percent } from '../../text.js';
import { shownPath, table } from './table.js';

/** A line of the table: what, what the paper says, what was measured. */
type Line = [what: string, paper: string, measured: string];

/** What an experiment of the theory came to, for a person: paper and measured side by side, then the conditions. */
export function theoryResult(result: TheoryResult, runDir: string): string {
  const { data } = result;
  const facts = [
    ['time', duration(result.seconds)],
    [
      'data',
      `${data.name} (${data.origin}), ${grouped(data.train)} + ${grouped(data.test)} images, label noise ${percent(result.label_noise)}`,
    ],
    ['engine', engineOf(result)],
    ['run', shownPath(runDir)],
  ];
  return `${table([['', 'paper', 'measured'], ...linesOf(result)])}\n${table(facts, [1])}`;
}

function engineOf({ engine, precision }: TheoryResult): string {
  if (engine === null) return `none: JavaScript, ${precision}`;
  return `${engine.name} ${engine.version} on ${engine.device}, ${precision}`;
}

function linesOf(result: TheoryResult): Line[] {
  switch (result.experiment) {
    case 'theorem1':
      return theorem1Lines(result);
    case 'kernels':
      return kernelLines(result);
    case 'rademacher':
      return rademacherLines(result);
    case 'linear':
      return linearLines(result);
  }
}

function theorem1Lines(r: Theorem1Findings): Line[] {
  const paper = 2 * r.n + r.dimension;
  return [
    ['images fitted', grouped(r.n), grouped(r.fitted)],
    [
      'weights',
      r.depth === 2 ? grouped(paper) : `O(n + d), d = ${grouped(r.dimension)}`,
      grouped(r.weights),
    ],
    ['depth', String(r.depth), String(r.depth)],
    ['width', r.depth === 2 ? grouped(r.n) : 'O(n/depth)', grouped(r.width)],
    ['largest error (a label is missed from 0.5 on)', '0', short(r.max_error)],
    ['smallest gap of two projections', '> 0', short(r.min_gap)],
    ['largest weight', '–', short(r.max_weight)],
    ['condition number', '–', short(r.condition)],
    ['test accuracy', '–', percent(r.test_accuracy)],
  ];
}

/** Table 3's test errors, on all images of the data set. */
const TABLE3: Record<string, { plain: number; ridge?: number }> = {
  'mnist pixels': { plain: 0.012 },
  'mnist gabor': { plain: 0.006 },
  'cifar10 pixels': { plain: 0.46 },
  'cifar10 random-conv': { plain: 0.17, ridge: 0.15 },
};

function kernelLines(r: KernelFindings & Pick<TheoryResult, 'data'>): Line[] {
  const entry = TABLE3[`${r.data.name} ${r.features}`];
  const published = r.ridge > 0 ? entry?.ridge : entry?.plain;
  const whole = r.n === r.data.full_train ? '' : ` (n = ${grouped(r.data.full_train)})`;
  const filters = r.filters === null ? '' : `, ${grouped(r.filters)} filters`;
  return [
    [
      'test error',
      published === undefined ? '–' : `${percent(published)}${whole}`,
      percent(r.test_error),
    ],
    ['training error', r.ridge > 0 ? '–' : percent(0), percent(r.train_error)],
    ['relative residual', '–', short(r.relative_residual)],
    ['norm', '–', short(r.norm)],
    ['features', '–', `${r.features} (${grouped(r.feature_count)}${filters})`],
    ['bandwidth / median squared distance', '–', String(r.bandwidth_fraction)],
    ['ridge', '–', String(r.ridge)],
    ['features, solving', '–', `${duration(r.feature_seconds)}, ${duration(r.solve_seconds)}`],
  ];
}

function rademacherLines(r: RademacherFindings): Line[] {
  return [
    ['correlation with random signs, mean', '≈ 1', r.correlation.toFixed(4)],
    ['the smallest of all draws', '–', r.correlation_min.toFixed(4)],
    ['draws', '–', grouped(r.draws)],
    ['bound on the test error above the training error', '≥ 1', r.gap_bound.toFixed(4)],
    ['says something (chance is 0.5)', 'no', r.vacuous ? 'no' : 'yes'],
    ['linear functions of norm 1: complexity', '–', short(r.linear_complexity)],
    ['… and the bound on it', '–', short(r.linear_complexity_bound)],
    ['… vacuous from this norm on', '–', short(r.linear_vacuous_norm)],
  ];
}

function linearLines(r: LinearFindings): Line[] {
  return [
    ['distance to the minimum-norm solution, relative', '→ 0', short(r.relative_distance)],
    ['part of w outside the span of the images', '0', short(r.outside_span)],
    ['residual, relative', '→ 0', short(r.relative_residual)],
    ['norm', short(r.minimum_norm), short(r.norm)],
    ['steps', '–', grouped(r.steps)],
    ['condition number of XXᵀ', '–', short(r.condition)],
    ['train accuracy', percent(1), percent(r.train_accuracy)],
    ['test accuracy', '–', percent(r.test_accuracy)],
  ];
}

function short(value: number): string {
  const size = Math.abs(value);
  return size !== 0 && (size < 1e-3 || size >= 1e6) ? value.toExponential(2) : value.toPrecision(4);
}
