import { dataLabel } from '../../config/datasets.js';
import { type PaperKernel, TABLE_3 } from '../../paper.js';
import type { ResultOf } from '../../results/theory.js';
import { grouped } from '../../text.js';
import { conditions } from '../conditions.js';
import { spread } from '../groups.js';
import type { ReportRun } from '../runs.js';
import { COMPARED, comparedRows, type Row, type Table } from './types.js';
import { judge, notComparable, paperText, smaller } from './verdict.js';

/** A run of `experiment: kernels` that has ended. */
type KernelRun = ReportRun & { theory: ResultOf<'kernels'> };

const FEATURES: Record<PaperKernel['features'], string> = {
  pixels: 'Gaussian kernel on pixels',
  gabor: 'on Gabor wavelet features',
  'random-conv': 'on a random convolutional layer',
};

/** Table 3: test errors (and norms) of minimum-norm kernel solutions. */
export function table3(runs: readonly ReportRun[]): Table {
  const kernels = runs.filter(
    (run): run is KernelRun =>
      run.theory?.experiment === 'kernels' && Number.isFinite(run.theory.test_error),
  );
  const rows = TABLE_3.flatMap((paper) =>
    rowsOf(
      paper,
      kernels.filter((run) => belongs(run, paper)),
    ),
  );
  return {
    id: 'table-3',
    title: 'Table 3: minimum-norm kernel solutions',
    note: 'Test errors in percent. The published norms are approximate and belong to the published bandwidth, which is not known: they get no verdict.',
    columns: ['data', 'kernel', 'ℓ2', 'what', ...COMPARED],
    rows,
  };
}

function belongs({ theory }: KernelRun, paper: PaperKernel): boolean {
  return (
    theory.data?.name === paper.data &&
    theory.features === paper.features &&
    theory.label_noise === 0 &&
    theory.ridge !== undefined &&
    theory.ridge > 0 === paper.ridge
  );
}

function rowsOf(paper: PaperKernel, runs: readonly KernelRun[]): Row[] {
  const heads = [dataLabel(paper.data), FEATURES[paper.features], paper.ridge ? 'yes' : 'no'];
  const errors = comparedRows([...heads, 'test error'], paperText(paper.error), runs, (run) => {
    const { theory } = run;
    const other = paper.filters && theory.filters !== paper.filters;
    const scaled = [
      ...smaller([theory]),
      ...(other ? [`${grouped(theory.filters ?? 0)} filters`] : []),
    ];
    const imported = theory.data?.origin !== 'official';
    const error = spread([100 * theory.test_error!])!;
    return {
      ...judge(paper.error, error, { scaled, imported }),
      conditions: kernelConditions(run),
    };
  });
  if (paper.norm === undefined) return errors;
  const norms = comparedRows([...heads, 'norm'], `≈ ${paper.norm}`, runs, (run) => ({
    measured: run.theory.norm?.toPrecision(4) ?? '–',
    difference: '–',
    verdict: notComparable('not comparable', 'bandwidth unpublished'),
    conditions: kernelConditions(run),
  }));
  return [...errors, ...norms];
}

function kernelConditions(run: KernelRun): string {
  const { bandwidth_fraction, relative_residual, norm } = run.theory;
  const residual = relative_residual?.toExponential(1) ?? '–';
  const solved = `bandwidth ${bandwidth_fraction ?? '–'} × median, residual ${residual}, norm ${norm?.toPrecision(4) ?? '–'}`;
  return `${solved}; ${conditions([run])}`;
}
