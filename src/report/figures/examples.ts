import type { Config } from '../../config/resolve.js';
import { SCORE_NAMES, SCORES, type ScoreName } from '../../results/examples.js';
import { grouped } from '../../text.js';
import type { LineChart, Point } from '../charts/chart.js';
import { corruptionLabel, modelLabel } from '../describe.js';
import { FIGURED_RUNS, type RunExamples } from '../examples/index.js';
import { KINDS, type LearnedRun } from '../examples/learned.js';
import type { MemorizationSummary } from '../examples/memorization.js';
import type { ExampleSummary } from '../examples/summary.js';
import { families, type Group, spread } from '../groups.js';
import { lastRow } from '../runs.js';
import { type FigurePlan, planOf, pointAt } from './common.js';

/** Scores whose ROC curves stand beside one another: of the others the table has the area. */
const DRAWN: ScoreName[] = [
  'aum',
  'cumulative_loss',
  'confidence',
  'forgetting_events',
  'first_learned',
];

/** Figures of single examples: order of learning, ROC of scores, losses of the first, a middle and the last epoch. */
export function examplePlans(runs: readonly RunExamples[]): FigurePlan[] {
  const recorded = runs
    .flatMap(({ run, summary }) => (summary === null ? [] : [{ run, summary }]))
    .slice(0, FIGURED_RUNS)
    .flatMap(({ run, summary }) => {
      const plan = planner(run.config);
      const plans = [
        plan('learned', 'Order of learning', learnedCaption(summary), learnedChart(summary)),
      ];
      if (summary.found !== null) {
        plans.push(plan('roc', 'Finding changed labels', ROC_CAPTION, rocChart(summary)));
      }
      plans.push(plan('loss', 'Losses', LOSS_CAPTION, lossChart(summary)));
      return plans;
    });
  const scored = runs
    .flatMap(({ run, memorization }) => (memorization === null ? [] : [{ run, memorization }]))
    .slice(0, FIGURED_RUNS)
    .map(({ run, memorization }) =>
      planner(run.config)(
        'memorization',
        'Memorization',
        memorizationCaption(memorization),
        memorizationChart(memorization),
      ),
    );
  return [...scored, ...recorded];
}

/** Makes plans of figures of one run. */
function planner(config: Config) {
  const what = `${modelLabel(config.model)}, ${corruptionLabel(config.corruption)}`;
  return (
    name: string,
    title: string,
    caption: string,
    chart: Omit<LineChart, 'means' | 'ranges'>,
  ): FigurePlan => ({
    id: `examples-${name}`,
    part: 'examples',
    title: `${title}, ${what}`,
    about: [what, `seed ${config.seed}`],
    config,
    caption,
    chart: { ...chart, means: 'examples', ranges: 'band' },
  });
}

/** By when half of the examples with changed and with unchanged labels are learned, over the share of changed labels. */
export function orderByShare(
  groups: readonly Group[],
  learned: readonly LearnedRun[],
): FigurePlan[] {
  const known = new Map(learned.map((one) => [one.run.path, one]));
  return families(groups, ['corruption']).flatMap((family) => {
    const measured = family.flatMap((group) => {
      const runs = group.runs.flatMap(({ path }) => known.get(path) ?? []);
      const share = spread(runs.map((run) => run.share))?.mean;
      return share === undefined
        ? []
        : [{ group: { ...group, runs: runs.map(({ run }) => run) }, runs, share }];
    });
    if (new Set(measured.map(({ share }) => share)).size < 2) return [];
    measured.sort((a, b) => a.share - b.share);
    const points: Point[] = [];
    const atLeast: Point[] = [];
    for (const kind of KINDS) {
      for (const { runs, share } of measured) {
        const own = runs.filter(({ epoch }) => epoch[kind] !== undefined);
        if (own.some(({ epoch }) => epoch[kind] === null)) {
          const last = Math.max(...own.map(({ run }) => lastRow(run)?.epoch ?? 0));
          atLeast.push(point(CHANGED[kind], share, last));
        } else {
          const epochs = own.map(({ epoch }) => epoch[kind]);
          points.push(...pointAt(CHANGED[kind], share, epochs));
        }
      }
    }
    const conditions = KINDS.map((kind) => CHANGED[kind]);
    return [
      planOf(
        measured.map(({ group }) => group),
        {
          part: 'examples',
          name: 'examples-order',
          title: `Order of learning by share of changed labels, ${modelLabel(family[0]!.config.model)}`,
          before: [ORDER_CAPTION],
          after: [
            atLeast.length > 0 &&
              'Hollow triangles: in some seed, half of them had not been by the last epoch.',
          ],
          chart: {
            x: { title: 'share of changed labels', domain: [0, 1], format: '.0%' },
            y: { title: 'epoch by which half is learned', format: ',d' },
            means: 'examples',
            conditions,
            series: conditions.map((condition) => ({ name: condition, condition, split: 'train' })),
            points,
            atLeast,
            ranges: 'bar',
          },
        },
      ),
    ];
  });
}

const ORDER_CAPTION =
  'The evaluated epoch by which half of the training examples had been predicted as their given label for the first time: of those with a changed label, and of the others.';

const CHANGED = { changed: 'changed label', unchanged: 'label as it was' };

function memorizationCaption({ count, changed }: MemorizationSummary): string {
  return `Share of the ${grouped(count)} training examples, ${grouped(changed)} with a changed label, whose memorization is at least so much: by how much networks that were trained on an example predict its given label more often than networks that were not.`;
}

function memorizationChart({ scores, reached }: MemorizationSummary): ChartOfShares {
  const x: LineChart['x'] = {
    title: 'memorization, at least',
    domain: [scores[0]!, 1],
    format: '.1f',
  };
  return chartOfShares(x, 'share of examples', scores, reached);
}

function learnedCaption({ count, changed }: ExampleSummary): string {
  return `Share of the ${grouped(count)} training examples that have been predicted as their given label in this evaluation or an earlier one: ${grouped(changed)} with a changed label, and the others.`;
}

const point = (series: string, x: number, y: number): Point => ({ series, x, y, low: y, high: y });

function learnedChart({ epochs, learned }: ExampleSummary): ChartOfShares {
  return chartOfShares({ title: 'epoch', format: ',d' }, 'learned', epochs, learned);
}

type ChartOfShares = Omit<LineChart, 'means' | 'ranges'>;

/** Shares of the changed and of the unchanged examples, at the same places; of whichever there are. */
function chartOfShares(
  x: LineChart['x'],
  title: string,
  places: readonly number[],
  shares: Record<(typeof KINDS)[number], readonly number[]>,
): ChartOfShares {
  const groups = KINDS.filter((group) => shares[group].length > 0);
  return {
    x,
    y: { title, domain: [0, 1], format: '.0%' },
    conditions: groups.map((group) => CHANGED[group]),
    series: groups.map((group) => ({
      name: CHANGED[group],
      condition: CHANGED[group],
      split: 'train',
    })),
    points: groups.flatMap((group) =>
      shares[group].map((share, i) => point(CHANGED[group], places[i]!, share)),
    ),
  };
}

const ROC_CAPTION =
  'Each score ranks all training examples by how much it suspects their labels: the share of changed labels found, against the share of unchanged ones suspected with them. The area under each curve is in the table of scores.';

function rocChart({ roc }: ExampleSummary): Omit<LineChart, 'means' | 'ranges'> {
  const drawn = SCORE_NAMES.filter((name) => DRAWN.includes(name) && roc[name] !== undefined);
  const label = (name: ScoreName) => SCORES[name].label;
  return {
    x: { title: 'unchanged labels suspected', domain: [0, 1], format: '.0%' },
    y: { title: 'changed labels found', domain: [0, 1], format: '.0%' },
    conditions: drawn.map(label),
    series: drawn.map((name) => ({ name: label(name), condition: label(name), split: 'train' })),
    points: drawn.flatMap((name) =>
      roc[name]!.map(({ false_positive_rate, true_positive_rate }) =>
        point(label(name), false_positive_rate, true_positive_rate),
      ),
    ),
  };
}

const LOSS_CAPTION =
  'How losses of the given label are spread over the training examples, after the first, an early and the last evaluated epoch. Below, in the part on examples, every epoch can be chosen.';

function lossChart({ histograms }: ExampleSummary): Omit<LineChart, 'means' | 'ranges'> {
  const { epochs, loss } = histograms;
  const last = epochs.length - 1;
  // Most of what there is to see is seen early.
  const places = [...new Set([0, Math.floor(last / 4), last])];
  const lines = places.flatMap((place) =>
    KINDS.filter((group) => loss[group][place]!.length > 0).map((group) => ({
      name: `epoch ${epochs[place]}, ${CHANGED[group]}`,
      condition: CHANGED[group],
      panel: `epoch ${epochs[place]}`,
      shares: loss[group][place]!,
    })),
  );
  const [low, high] = loss.range;
  return {
    x: { title: 'loss', domain: [low, high], format: '.1f' },
    y: { title: 'share of examples', format: '.0%' },
    conditions: [...new Set(lines.map(({ condition }) => condition))],
    panels: places.map((place) => `epoch ${epochs[place]}`),
    series: lines.map(({ name, condition, panel }) => ({ name, condition, panel, split: 'train' })),
    points: lines.flatMap(({ name, shares }) =>
      shares.map((share, i) =>
        point(name, low + ((i + 0.5) * (high - low)) / shares.length, share),
      ),
    ),
  };
}
