import { dataLabel } from '../../config/datasets.js';
import { type PaperKernel, TABLE_3 } from '../../paper.js';
import type { ResultOf } from '../../results/theory.js';
import { grouped } from '../../text.js';
import { conditions } from '../conditions.js';
import { spread } from '../groups.js';
import type { ReportRun } from '../runs.js';
import { comparedRow, comparison, notRunRow, type Row, type Table } from './types.js';
import {
  differenceText,
  judge,
  measuredText,
  notComparable,
  paperText,
  smaller,
} from './verdict.js';

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
  const rows = TABLE_3.flatMap((paper) => {
    const matching = kernels.filter((run) => belongs(run, paper));
    return [...errorRows(paper, matching), ...normRows(paper, matching)];
  });
  return comparison({
    id: 'table-3',
    title: 'Table 3: minimum-norm kernel solutions',
    note: 'Test errors in percent. The published norms are approximate and belong to the published bandwidth, which is not known: they get no verdict.',
    heads: ['data', 'kernel', 'ℓ2', 'what'],
    rows,
  });
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

function heads(paper: PaperKernel, what: string): string[] {
  return [dataLabel(paper.data), FEATURES[paper.features], paper.ridge ? 'yes' : 'no', what];
}

function errorRows(paper: PaperKernel, runs: readonly KernelRun[]): Row[] {
  const published = paperText(paper.error);
  if (runs.length === 0) return [notRunRow(heads(paper, 'test error'), published)];
  return runs.map((run) => {
    const values = spread([100 * run.theory.test_error!])!;
    const scaled = [
      ...smaller([run.theory]),
      ...(paper.filters && run.theory.filters !== paper.filters
        ? [`${grouped(run.theory.filters ?? 0)} filters`]
        : []),
    ];
    const imported = run.theory.data?.origin !== 'official';
    return comparedRow(heads(paper, 'test error'), {
      paper: published,
      measured: measuredText(values),
      difference: differenceText(paper.error, values, scaled.length > 0),
      verdict: judge(paper.error, values, { scaled, imported }),
      conditions: kernelConditions(run),
    });
  });
}

function normRows(paper: PaperKernel, runs: readonly KernelRun[]): Row[] {
  if (paper.norm === undefined) return [];
  const published = `≈ ${paper.norm}`;
  if (runs.length === 0) return [notRunRow(heads(paper, 'norm'), published)];
  return runs.map((run) =>
    comparedRow(heads(paper, 'norm'), {
      paper: published,
      measured: run.theory.norm?.toPrecision(4) ?? '–',
      difference: '–',
      verdict: notComparable('not comparable', 'bandwidth unpublished'),
      conditions: kernelConditions(run),
    }),
  );
}

function kernelConditions(run: KernelRun): string {
  const { bandwidth_fraction, relative_residual, norm } = run.theory;
  const residual = relative_residual?.toExponential(1) ?? '–';
  const solved = `bandwidth ${bandwidth_fraction ?? '–'} × median, residual ${residual}, norm ${norm?.toPrecision(4) ?? '–'}`;
  return `${solved}; ${conditions([run])}`;
}
