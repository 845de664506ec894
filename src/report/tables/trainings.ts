import { corruptedShare } from '../../config/corruptions.js';
import type { Config } from '../../config/resolve.js';
import {
  type PaperNumber,
  type PaperTraining,
  SIZES,
  TABLE_1,
  TABLE_4,
  TOLERANCE,
} from '../../paper.js';
import { conditions, takenAt } from '../conditions.js';
import { NETWORKS, paperNetwork, paperRegularizers } from '../describe.js';
import { stopsEarly } from '../fit.js';
import type { Group, Spread } from '../groups.js';
import { lastRow } from '../runs.js';
import { isHeld } from '../settings/rules.js';
import { TRAINING_RULES } from '../settings/trainings.js';
import { budget, type Comparability, comparability } from './comparability.js';
import { COMPARED, comparedRows, type Row, type Table } from './types.js';
import {
  becauseOf,
  failures,
  failuresText,
  judge,
  measuredIn,
  measuredText,
  notComparable,
  paperText,
  unfinished,
  type Verdict,
} from './verdict.js';

/** What the notes of all tables say of a number. */
export const SPREAD = 'Several seeds: mean (smallest–largest).';
const NOTE = `In percent. ${SPREAD} Within tolerance: ±${TOLERANCE} points, where images, epochs and settings are the paper's; what it leaves open stands with the conditions, and in "because" where it isn't the usual choice. A training that ends when all is fitted has the paper's training accuracy, not its test accuracy. Of scaled runs, the training on the most images and the longest is shown.`;

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
  return groups.filter(({ config }) => belongs(config, paper));
}

function belongs(config: Config, paper: PaperTraining): boolean {
  return (
    config.data.name === 'cifar10' &&
    config.data.split === undefined &&
    config.loss === undefined &&
    paperNetwork(config.model) === paper.network &&
    paperRegularizers(config.regularization) === paper.regularizers &&
    corruptedShare(config.corruption) === (paper.labels === 'true' ? 0 : 1)
  );
}

/** A group with a number, and how it compares with the paper's. */
interface Measured {
  group: Group;
  values: Spread;
  comparable: Comparability;
}

function rowsOf(
  paper: PaperTraining,
  groups: readonly Group[],
  which: 'train' | 'test',
  number: PaperNumber | null,
): Row[] {
  const heads = [NETWORKS[paper.network], paper.regularizers, paper.labels, which];
  const published = number === null ? 'fails to converge' : paperText(number);
  const goesOn = which === 'test' && paper.labels === 'true';
  const measured = measuredIn(groups, `${which}_accuracy`).map(({ group, values, pending }) => {
    const { scaled, told } = budget(group, goesOn);
    const results = group.runs.flatMap(({ result }) => result ?? []);
    const held = comparability(group.config, results, paper, TRAINING_RULES, SIZES.cifar10);
    const comparable = {
      ...held,
      scaled: [...held.scaled, ...scaled],
      told: [...held.told, ...told, ...pending],
    };
    return { group, values, comparable };
  });
  const asks = (config: Config) => belongs(config, paper) && isHeld(config, TRAINING_RULES, paper);
  return comparedRows(heads, published, asks, fullOrLargest(measured), (one) => {
    const { group, values, comparable } = one;
    const judged =
      number === null
        ? { measured: measuredText(values), difference: '–', verdict: failureVerdict(one) }
        : judge(number, values, comparable);
    return {
      ...judged,
      verdict:
        unfinished(group) ?? (number === null ? judged.verdict : converged(one, judged.verdict)),
      sample: { runs: group.runs, seeds: values.count, taken: takenAt(group.runs) },
      conditions: conditions(group.runs, comparable.open),
    };
  });
}

/**
 * What was run as the paper did it; where nothing was, the training on the most images and, of those, the longest. Runs for
 * other figures that stop before everything is fitted say less: only where there is nothing else.
 */
function fullOrLargest(measured: Measured[]): Measured[] {
  const full = measured.filter(({ comparable }) => comparable.scaled.length === 0);
  if (full.length > 0) return full;
  const early = ({ group }: Measured) => Number(stopsEarly(group));
  const images = ({ group }: Measured) => group.config.data.limit ?? Number.POSITIVE_INFINITY;
  const steps = ({ group }: Measured) =>
    Math.max(...group.runs.map((run) => lastRow(run)?.step ?? 0));
  const byImages = (a: Measured, b: Measured) =>
    images(a) === images(b) ? 0 : images(b) - images(a);
  const most = (a: Measured, b: Measured) =>
    early(a) - early(b) || byImages(a, b) || steps(b) - steps(a);
  return measured.toSorted(most).slice(0, 1);
}

/** A verdict beside which it is said how many of the runs did not converge. */
function converged({ group }: Pick<Measured, 'group'>, judged: Verdict): Verdict {
  const failed = failuresText(group);
  if (failed === '') return judged;
  const isAll = failures(group) === group.runs.length;
  // Of a training that failed as a whole, a number near the paper's would mean nothing.
  const rest = isAll && judged.kind !== 'not-comparable' ? '' : `; ${judged.text}`;
  return { ...judged, kind: 'did-not-converge', text: `${failed}${rest}` };
}

/** That AlexNet can't fit random labels with weight decay is the paper's result: to fit them is to differ. */
function failureVerdict({ group, comparable }: Pick<Measured, 'group' | 'comparable'>): Verdict {
  const failed = failures(group);
  const isAll = failed === group.runs.length;
  const text =
    failed === 0
      ? 'converged, unlike the paper'
      : `${failuresText(group)}, ${isAll ? 'as in the paper' : 'in the paper none'}`;
  const because = becauseOf(comparable);
  if (comparable.scaled.length > 0) return notComparable(text, because);
  const off = !isAll;
  if (comparable.loose.length > 0) return { ...notComparable(text, because), off };
  return { kind: isAll ? 'within' : 'off', text, because, off };
}
