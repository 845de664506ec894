import { isAugmented } from '../../batches/augment/augment.js';
import { corruptedShare } from '../../config/corruptions.js';
import { hasOwnImages } from '../../config/datasets.js';
import { type PaperImageNet, type PaperNumber, TABLE_2 } from '../../paper.js';
import type { StoredEpochRow } from '../../results/training.js';
import { conditions } from '../conditions.js';
import { modelLabel } from '../describe.js';
import type { Group } from '../groups.js';
import { COMPARED, comparedRows, type Row, type Table } from './types.js';
import { judge, measuredIn, paperText, percents, smaller, unfinished } from './verdict.js';

/** The network of the table, as it is called for people. */
const NETWORK = 'Inception V3';
const IMAGES = 1_281_167;
const CLASSES = 1000;

/** One number of a training: the paper's, and where a run's own stand. */
interface Cell {
  what: string;
  paper: PaperNumber;
  key: keyof StoredEpochRow;
  /** Best so far, as early stopping would have it; the paper gives it in two rows only. */
  best?: { paper: PaperNumber | undefined; key: keyof StoredEpochRow };
}

/** Table 2: ImageNet. Runs on image trees belong to it; only Inception V3 on all of ImageNet is comparable. */
export function table2(groups: readonly Group[]): Table {
  const rows = TABLE_2.flatMap((paper) => {
    const matching = groups.filter((group) => belongs(group, paper));
    return cellsOf(paper).flatMap((cell) => rowsOf(paper, cell, matching));
  });
  return {
    id: 'table-2',
    title: `Table 2: ImageNet, ${NETWORK}`,
    note: 'In percent; in square brackets the best of all epochs, as early stopping would have it. † from memory, unconfirmed.',
    columns: ['labels', 'augment / dropout / weight decay', 'accuracy', ...COMPARED],
    rows,
  };
}

function cellsOf({ train, test, best }: PaperImageNet): Cell[] {
  return [
    { what: 'top-1 train', paper: train[0], key: 'train_accuracy' },
    { what: 'top-5 train', paper: train[1], key: 'train_top5_accuracy' },
    {
      what: 'top-1 test',
      paper: test[0],
      key: 'test_accuracy',
      best: { paper: best?.[0], key: 'best_test_accuracy' },
    },
    {
      what: 'top-5 test',
      paper: test[1],
      key: 'test_top5_accuracy',
      best: { paper: best?.[1], key: 'best_test_top5_accuracy' },
    },
  ];
}

function belongs({ config }: Group, paper: PaperImageNet): boolean {
  const { weightDecay, dropout, augment } = config.regularization;
  return (
    hasOwnImages(config.data.name) &&
    config.loss === undefined &&
    corruptedShare(config.corruption) === (paper.labels === 'true' ? 0 : 1) &&
    isAugmented(augment) === paper.augment &&
    dropout > 0 === paper.dropout &&
    weightDecay > 0 === paper.weightDecay
  );
}

function rowsOf(paper: PaperImageNet, cell: Cell, groups: readonly Group[]): Row[] {
  const yes = (used: boolean) => (used ? 'yes' : 'no');
  const used = [paper.augment, paper.dropout, paper.weightDecay].map(yes).join(' / ');
  const heads = [paper.labels, used, cell.what];
  const published = bracketed(
    paperText(cell.paper),
    cell.best?.paper && paperText(cell.best.paper),
  );
  return comparedRows(heads, published, measuredIn(groups, cell.key), ({ group, values }) => {
    const judged = judge(cell.paper, values, { scaled: differences(group), imported: true });
    const best = cell.best && percents(group, cell.best.key);
    return {
      ...judged,
      measured: bracketed(judged.measured, best?.mean.toFixed(2)),
      verdict: unfinished(group) ?? judged.verdict,
      conditions: conditions(group.runs),
    };
  });
}

/** `67.18 [72.57]` */
function bracketed(last: string, best: string | undefined): string {
  return best === undefined ? last : `${last} [${best}]`;
}

function differences({ config, runs }: Group): string[] {
  const results = runs.map(({ result }) => result).filter((result) => result !== null);
  const small = results.some(({ data }) => data?.full_train !== IMAGES || data.classes !== CLASSES);
  const label = modelLabel(config.model);
  return [
    ...(label === NETWORK ? [] : [label]),
    ...(small ? ['not all of ImageNet'] : smaller(results)),
  ];
}
