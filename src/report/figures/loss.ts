import { FIGURE_1A } from '../../paper.js';
import { grouped } from '../../text.js';
import type { Point } from '../charts/chart.js';
import { corruptionLabel, modelLabel, PAPER_CORRUPTIONS } from '../describe.js';
import { families, type Group } from '../groups.js';
import type { Losses } from '../loss-curve.js';
import { type FigurePlan, planOf, pointAt } from './common.js';

/** Points of a line: more would not be seen. */
const BINS = 120;

/** Figure 1a: training loss against step, one line for each corruption, for every network that has at least two. */
export function figure1a(groups: readonly Group[]): FigurePlan[] {
  const belonging = groups.filter(({ config }) =>
    PAPER_CORRUPTIONS.includes(corruptionLabel(config.corruption)),
  );
  return families(belonging, ['corruption'])
    .filter((family) => family.length > 1)
    .flatMap(lossPlan);
}

function lossPlan(family: Group[]): FigurePlan[] {
  const lines = PAPER_CORRUPTIONS.flatMap((label) => {
    const group = family.find(({ config }) => corruptionLabel(config.corruption) === label);
    const runs = group?.runs.map((run) => run.losses()).filter((read) => read !== null) ?? [];
    return runs.length === 0 ? [] : [{ label, runs }];
  });
  if (lines.length < 2) return [];
  const longest = Math.max(...lines.flatMap(({ runs }) => runs.map(({ steps }) => steps.at(-1)!)));
  const whole = longest >= FIGURE_1A.steps;
  const end = whole ? FIGURE_1A.steps : longest;
  const width = Math.max(1, end / BINS);
  return [
    planOf(family, {
      part: '1a',
      title: `Training loss, ${modelLabel(family[0]!.config.model)}`,
      before: [width > 1 && `Loss of the batches, averaged over ${Math.round(width)} steps.`],
      after: [!whole && `The paper's axis reaches ${grouped(FIGURE_1A.steps)} steps.`],
      chart: {
        x: { title: 'step', domain: [0, end], format: ',d' },
        y: { title: 'training loss', domain: [0, FIGURE_1A.loss], format: '.1f' },
        means: 'corruption',
        conditions: lines.map(({ label }) => label),
        series: lines.map(({ label }) => ({ name: label, condition: label, split: 'train' })),
        points: lines.flatMap(({ label, runs }) => binned(label, runs, width)),
        ranges: 'band',
      },
    }),
  ];
}

/** The mean of each bin over the seeds that trained that long. */
function binned(series: string, runs: readonly Losses[], width: number): Point[] {
  const means = runs.map((run) => binMeans(run, width));
  const length = Math.max(...means.map((run) => run.length));
  return Array.from({ length }, (_, bin) =>
    pointAt(
      series,
      (bin + 0.5) * width,
      means.map((run) => run[bin]),
    ),
  ).flat();
}

function binMeans({ steps, losses }: Losses, width: number): (number | undefined)[] {
  const sums: number[] = [];
  const counts: number[] = [];
  steps.forEach((step, i) => {
    const bin = Math.floor((step - 1) / width);
    sums[bin] = (sums[bin] ?? 0) + losses[i]!;
    counts[bin] = (counts[bin] ?? 0) + 1;
  });
  return Array.from(sums, (sum, bin) => (counts[bin] ? sum / counts[bin] : undefined));
}
