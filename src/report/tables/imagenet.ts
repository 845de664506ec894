import { isAugmented } from '../../batches/augment/augment.js';
import { corruptedShare } from '../../config/corruptions.js';
import { hasOwnImages } from '../../config/datasets.js';
import type { Config } from '../../config/resolve.js';
import {
  ILSVRC_2012_WINNER,
  LEAST_EPOCHS,
  type PaperImageNet,
  type PaperNumber,
  SIZES,
  TABLE_2,
} from '../../paper.js';
import type { StoredEpochRow } from '../../results/training.js';
import { conditions, takenAt } from '../conditions.js';
import { modelLabel } from '../describe.js';
import type { Group } from '../groups.js';
import { IMAGENET_RULES } from '../settings/imagenet.js';
import { isHeld } from '../settings/rules.js';
import { budget, type Comparability, comparability } from './comparability.js';
import { SPREAD } from './trainings.js';
import { COMPARED, comparedRows, type Row, type Table } from './types.js';
import { failuresText, judge, measuredIn, paperText, percents, unfinished } from './verdict.js';

/** The network of the table, as it is called for people. */
const NETWORK = 'Inception V3';
const CLASSES = 1000;
/** From here on, what the paper says of a training is that it fitted its training set. */
const FITTED = 95;

const NOTE = `In percent. ${SPREAD} In square brackets the best of all epochs, as early stopping would have it. † from memory, unconfirmed. The paper's trainings were asynchronous, on 50 workers, and it doesn't say how long: fewer than ${LEAST_EPOCHS} epochs count as scaled. The winner of ILSVRC 2012 had ${ILSVRC_2012_WINNER.toFixed(2)} top-5 on test images, beside the 80.38 of this network without any regularizer.`;

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
    const matching = groups.filter(({ config }) => belongs(config, paper));
    return cellsOf(paper).flatMap((cell) => rowsOf(paper, cell, matching));
  });
  return {
    id: 'table-2',
    title: `Table 2: ImageNet, ${NETWORK}`,
    note: NOTE,
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

function belongs(
  { data, loss, corruption, regularization }: Config,
  paper: PaperImageNet,
): boolean {
  const { weightDecay, dropout, augment } = regularization;
  return (
    hasOwnImages(data.name) &&
    loss === undefined &&
    corruptedShare(corruption) === (paper.labels === 'true' ? 0 : 1) &&
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
  const asks = (config: Config) =>
    belongs(config, paper) &&
    modelLabel(config.model) === NETWORK &&
    isHeld(config, IMAGENET_RULES, paper);
  return comparedRows(
    heads,
    published,
    asks,
    measuredIn(groups, cell.key),
    ({ group, values, pending }) => {
      const comparable = compared(group, paper, cell, pending);
      const judged = judge(cell.paper, values, comparable);
      const best = cell.best && percents(group, cell.best.key);
      const failed = paper.train[0].value >= FITTED ? failuresText(group) : divergedText(group);
      const text = failed === '' ? judged.verdict.text : `${failed}; ${judged.verdict.text}`;
      const taken = takenAt(group.runs);
      return {
        ...judged,
        measured: bracketed(judged.measured, best?.mean.toFixed(2)),
        verdict: unfinished(group) ?? { ...judged.verdict, text },
        sample: {
          runs: group.runs,
          seeds: values.count,
          taken: best ? `${taken} [best epoch]` : taken,
        },
        conditions: conditions(group.runs, comparable.open),
      };
    },
  );
}

/** `67.18 [72.57]` */
function bracketed(last: string, best: string | undefined): string {
  return best === undefined ? last : `${last} [${best}]`;
}

function divergedText({ runs }: Group): string {
  const count = runs.filter(({ state }) => state === 'diverged').length;
  return count === 0 ? '' : `${count} of ${runs.length} diverged`;
}

function compared(
  group: Group,
  paper: PaperImageNet,
  cell: Cell,
  pending: string[],
): Comparability {
  const { config, runs } = group;
  const results = runs.flatMap(({ result }) => result ?? []);
  const held = comparability(config, results, paper, IMAGENET_RULES, SIZES.imagenet);
  const { scaled, told } = budget(group, cell.key.startsWith('test') && paper.labels === 'true');
  const label = modelLabel(config.model);
  const classes = results.flatMap(({ data }) => data?.classes ?? []);
  const otherClasses = classes.find((count) => count !== CLASSES);
  return {
    ...held,
    scaled: [
      ...(label === NETWORK ? [] : [label]),
      ...(otherClasses === undefined ? [] : [`${otherClasses} classes`]),
      ...held.scaled,
      ...scaled,
    ],
    told: [...held.told, ...told, ...pending],
  };
}
