import { effective } from '../../config/corruptions.js';
import { dataLabel } from '../../config/datasets.js';
import type { Config } from '../../config/resolve.js';
import { type PaperKernel, SIZES, TABLE_3 } from '../../paper.js';
import type { ResultOf } from '../../results/theory.js';
import { conditions } from '../conditions.js';
import { type Group, groupRuns, type Spread, spread } from '../groups.js';
import type { ReportRun } from '../runs.js';
import { KERNEL_RULES } from '../settings/kernels.js';
import { isHeld } from '../settings/rules.js';
import { type Comparability, comparability } from './comparability.js';
import { SPREAD } from './trainings.js';
import { COMPARED, comparedRows, type Row, type Table } from './types.js';
import { judge, measuredText, notComparable, paperText } from './verdict.js';

/** A run of `experiment: kernels` that has ended. */
type KernelRun = ReportRun & { theory: ResultOf<'kernels'> };

const FEATURES: Record<PaperKernel['features'], string> = {
  pixels: 'Gaussian kernel on pixels',
  gabor: 'on Gabor wavelet features',
  'random-conv': 'on a random convolutional layer',
};

/** What is done to all images here, and not in the paper; of its random layer it doesn't say. */
const WHITENED: Record<PaperKernel['features'], string[]> = {
  pixels: ['images whitened (the paper: no preprocessing)'],
  gabor: ['images whitened (the paper: no preprocessing)'],
  'random-conv': [],
};

/** Table 3: test errors (and norms) of minimum-norm kernel solutions, of data that nothing was done to. */
export function table3(runs: readonly ReportRun[]): Table {
  const kernels = runs.filter(
    (run): run is KernelRun =>
      run.theory?.experiment === 'kernels' &&
      Number.isFinite(run.theory.test_error) &&
      effective(run.config.corruption).length === 0,
  );
  const groups = groupRuns(kernels);
  const rows = TABLE_3.flatMap((paper) =>
    rowsOf(
      paper,
      groups.filter(({ config }) => belongs(config, paper)),
    ),
  );
  return {
    id: 'table-3',
    title: 'Table 3: minimum-norm kernel solutions',
    note: `Test errors in percent. ${SPREAD} Within tolerance: half of the published error, ±1.5 points at most. Of MNIST with ℓ2 the paper gives no number, but that it improves neither kernel. The published norms are approximate and belong to the published bandwidth, which is not known: they get no verdict.`,
    columns: ['data', 'kernel', 'ℓ2', 'what', ...COMPARED],
    rows,
  };
}

function belongs({ data, theory }: Config, paper: PaperKernel): boolean {
  return (
    data.name === paper.data &&
    theory?.features === paper.features &&
    theory.ridge > 0 === paper.ridge
  );
}

function rowsOf(paper: PaperKernel, groups: readonly Group<KernelRun>[]): Row[] {
  const heads = [dataLabel(paper.data), FEATURES[paper.features], paper.ridge ? 'yes' : 'no'];
  const published = `${paper.noBetter ? 'no better than ' : ''}${paperText(paper.error)}`;
  const asks = (config: Config) => belongs(config, paper) && isHeld(config, KERNEL_RULES, paper);
  const errors = comparedRows([...heads, 'test error'], published, asks, groups, (group) => {
    const comparable = compared(group, paper);
    const error = spreadOf(group, ({ theory }) => 100 * theory.test_error!)!;
    return { ...judge(paper.error, error, comparable), ...told(group, comparable.open) };
  });
  if (paper.norm === undefined) return errors;
  const norms = comparedRows([...heads, 'norm'], `≈ ${paper.norm}`, asks, groups, (group) => {
    const norm = spreadOf(group, ({ theory }) => theory.norm);
    return {
      measured: norm === null ? '–' : measuredText(norm),
      difference: '–',
      verdict: notComparable('not comparable', 'bandwidth unpublished'),
      ...told(group, compared(group, paper).open),
    };
  });
  return [...errors, ...norms];
}

function compared({ config, runs }: Group<KernelRun>, paper: PaperKernel): Comparability {
  const results = runs.map(({ theory }) => theory);
  const held = comparability(config, results, paper, KERNEL_RULES, SIZES[paper.data]);
  return { ...held, loose: [...held.loose, ...WHITENED[paper.features]] };
}

function spreadOf(
  { runs }: Group<KernelRun>,
  value: (run: KernelRun) => number | undefined,
): Spread | null {
  return spread(runs.map(value));
}

function told({ runs }: Group<KernelRun>, open: string[]) {
  const solved = runs.map(({ theory }) => {
    const { bandwidth_fraction, relative_residual, norm } = theory;
    const residual = relative_residual?.toExponential(1) ?? '–';
    return `bandwidth ${bandwidth_fraction ?? '–'} × median, residual ${residual}, norm ${norm?.toPrecision(4) ?? '–'}`;
  });
  return {
    sample: { runs, seeds: runs.length, taken: 'solution' },
    conditions: `${[...new Set(solved)].join(' / ')}; ${conditions(runs, open)}`,
  };
}
