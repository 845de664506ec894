import { corruptedShare } from '../../config/corruptions.js';
import {
  type PaperNumber,
  type PaperTraining,
  SETTINGS,
  TABLE_1,
  TABLE_4,
  TOLERANCE,
} from '../../paper.js';
import { conditions } from '../conditions.js';
import { NETWORKS, paperNetwork, paperRegularizers } from '../describe.js';
import { stopsEarly } from '../fit.js';
import type { Group } from '../groups.js';
import { lastRow } from '../runs.js';
import { COMPARED, comparedRows, type Row, type Table } from './types.js';
import {
  comparability,
  didNotConverge,
  IMPORTED,
  judge,
  measuredIn,
  measuredText,
  paperText,
  unfinished,
  type Verdict,
} from './verdict.js';

const NOTE = `In percent, after the last epoch; several seeds: mean and range. Within tolerance: ±${TOLERANCE} points, where images, epochs and settings are the paper's. Of scaled runs, the training on the most images and the longest is shown.`;

/** Table 1: CIFAR-10, training and test accuracy. */
export function table1(groups: readonly Group[]): Table {
  const rows = TABLE_1.flatMap((paper) => {
    const matching = matches(groups, paper);
    return [
      ...rowsOf(paper, matching, 'train', paper.train),
      ...rowsOf(paper, matching, 'test', paper.test ?? null),
    ];
  });
  return trainingTable('table-1', 'Table 1: fitting CIFAR-10', rows);
}

/** Table 4: random labels with each regularizer, training accuracy. */
export function table4(groups: readonly Group[]): Table {
  const rows = TABLE_4.flatMap((paper) =>
    rowsOf(paper, matches(groups, paper), 'train', paper.train),
  );
  return trainingTable('table-4', 'Table 4: random labels with each regularizer', rows);
}

function trainingTable(id: string, title: string, rows: Row[]): Table {
  const columns = ['model', 'regularizers', 'labels', 'accuracy', ...COMPARED];
  return { id, title, note: NOTE, columns, rows };
}

function matches(groups: readonly Group[], paper: PaperTraining): Group[] {
  return groups.filter(
    ({ config }) =>
      config.data.name === SETTINGS.data &&
      config.data.split === undefined &&
      config.loss === undefined &&
      paperNetwork(config.model) === paper.network &&
      paperRegularizers(config.regularization) === paper.regularizers &&
      corruptedShare(config.corruption) === (paper.labels === 'true' ? 0 : 1),
  );
}

function rowsOf(
  paper: PaperTraining,
  groups: readonly Group[],
  which: 'train' | 'test',
  number: PaperNumber | null,
): Row[] {
  const heads = [NETWORKS[paper.network], paper.regularizers, paper.labels, which];
  const published = number === null ? 'fails to converge' : paperText(number);
  const measured = measuredIn(groups, `${which}_accuracy`);
  return comparedRows(heads, published, fullOrLargest(measured, paper), ({ group, values }) => {
    const comparable = comparability(group, paper);
    const judged =
      number === null
        ? { measured: measuredText(values), difference: '–', verdict: null }
        : judge(number, values, comparable);
    return {
      ...judged,
      verdict: unfinished(group) ?? converged(group, judged.verdict, comparable),
      conditions: conditions(group.runs),
    };
  });
}

/**
 * What was run as the paper did it; where nothing was, the training on the most images and, of those, the longest. Runs for
 * other figures that stop before everything is fitted say less: only where there is nothing else.
 */
function fullOrLargest<T extends { group: Group }>(measured: T[], paper: PaperTraining): T[] {
  const full = measured.filter(({ group }) => comparability(group, paper).scaled.length === 0);
  if (full.length > 0) return full;
  const early = ({ group }: T) => Number(stopsEarly(group));
  const images = ({ group }: T) => group.config.data.limit ?? Number.POSITIVE_INFINITY;
  const steps = ({ group }: T) => Math.max(...group.runs.map((run) => lastRow(run)?.step ?? 0));
  const byImages = (a: T, b: T) => (images(a) === images(b) ? 0 : images(b) - images(a));
  const most = (a: T, b: T) => early(a) - early(b) || byImages(a, b) || steps(b) - steps(a);
  return measured.toSorted(most).slice(0, 1);
}

/** @param judged `null` where the paper's own training failed. */
function converged(
  group: Group,
  judged: Verdict | null,
  comparable: ReturnType<typeof comparability>,
): Verdict {
  const failed = didNotConverge(group);
  if (judged === null) return failureVerdict(failed, comparable);
  if (!failed) return judged;
  const scale = comparable.scaled.length > 0 ? `; ${judged.text}` : '';
  return { ...judged, kind: 'did-not-converge', text: `did not converge${scale}` };
}

/** That AlexNet can't fit random labels with weight decay is the paper's result: to fit them is to differ. */
function failureVerdict(
  failed: boolean,
  { scaled, imported }: ReturnType<typeof comparability>,
): Verdict {
  const text = failed ? 'did not converge, as in the paper' : 'converged, unlike the paper';
  const because = scaled.length > 0 ? scaled.join(', ') : imported ? IMPORTED : '';
  if (because !== '') return { kind: 'not-comparable', text, because };
  return { kind: failed ? 'within' : 'off', text, because };
}
