import { isAugmented } from '../../data/augment.js';
import { conditions } from '../conditions.js';
import { corruptedShare } from '../describe.js';
import { type Group, spread } from '../groups.js';
import { type PaperImageNet, type PaperNumber, TABLE_2 } from '../paper.js';
import { lastRow } from '../runs.js';
import { comparedRow, comparison, notRunRow, type Row, type Table } from './types.js';
import { differenceText, judge, measuredText, paperText, smaller, unfinished } from './verdict.js';

const IMAGES = 1_281_167;
const CLASSES = 1000;

/** Table 2: ImageNet. Runs on image trees belong to it; only all of ImageNet is comparable. */
export function table2(groups: readonly Group[]): Table {
  const rows = TABLE_2.flatMap((paper) => {
    const matching = groups.filter((group) => belongs(group, paper));
    return [
      ...rowsOf(paper, 'top-1 train', paper.train[0], matching, 'train_accuracy'),
      ...rowsOf(paper, 'top-5 train', paper.train[1], [], 'train_accuracy'),
      ...rowsOf(paper, 'top-1 test', paper.test[0], matching, 'test_accuracy'),
      ...rowsOf(paper, 'top-5 test', paper.test[1], [], 'test_accuracy'),
      ...(paper.best
        ? [
            ...rowsOf(paper, 'top-1 test, best epoch', paper.best[0], matching, 'best'),
            ...rowsOf(paper, 'top-5 test, best epoch', paper.best[1], [], 'best'),
          ]
        : []),
    ];
  });
  return comparison({
    id: 'table-2',
    title: 'Table 2: ImageNet, Inception V3',
    note: 'In percent. † from memory, unconfirmed. Top 5 is not measured here.',
    heads: ['labels', 'augment / dropout / weight decay', 'accuracy'],
    rows,
  });
}

function belongs({ config }: Group, paper: PaperImageNet): boolean {
  const { weightDecay, dropout, augment } = config.regularization;
  return (
    config.data.name === 'imagetree' &&
    config.loss === undefined &&
    corruptedShare(config.corruption) === (paper.labels === 'true' ? 0 : 1) &&
    isAugmented(augment) === paper.augment &&
    dropout > 0 === paper.dropout &&
    weightDecay > 0 === paper.weightDecay
  );
}

function rowsOf(
  paper: PaperImageNet,
  what: string,
  number: PaperNumber,
  groups: readonly Group[],
  key: 'train_accuracy' | 'test_accuracy' | 'best',
): Row[] {
  const yes = (used: boolean) => (used ? 'yes' : 'no');
  const used = [paper.augment, paper.dropout, paper.weightDecay].map(yes).join(' / ');
  const heads = [paper.labels, used, what];
  const rows = groups.flatMap((group) => {
    const values = spread(group.runs.map((run) => accuracyOf(run, key)));
    if (values === null) return [];
    const scaled = differences(group);
    return [
      comparedRow(heads, {
        paper: paperText(number),
        measured: measuredText(values),
        difference: differenceText(number, values, scaled.length > 0),
        verdict: unfinished(group) ?? judge(number, values, { scaled, imported: true }),
        conditions: conditions(group.runs),
      }),
    ];
  });
  return rows.length > 0 ? rows : [notRunRow(heads, paperText(number))];
}

function accuracyOf(run: Group['runs'][number], key: Parameters<typeof rowsOf>[4]) {
  const row = key === 'best' ? run.result?.best : lastRow(run);
  const value = row?.[key === 'best' ? 'test_accuracy' : key];
  return value === undefined ? undefined : 100 * value;
}

function differences({ config, runs }: Group): string[] {
  const results = runs.map(({ result }) => result).filter((result) => result !== null);
  const small = results.some(({ data }) => data.full_train !== IMAGES || data.classes !== CLASSES);
  return [
    // No model of ours is Inception V3.
    config.model.name,
    ...(small ? ['not all of ImageNet'] : smaller(results)),
  ];
}
