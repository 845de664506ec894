import { RethinkError } from '../../errors.js';
import { FIGURE_1A } from '../../paper.js';
import { readSteps } from '../../record/runs.js';
import { grouped } from '../../text.js';
import type { Point } from '../charts/lines.js';
import { corruptionLabel, modelLabel, PAPER_CORRUPTIONS } from '../describe.js';
import { families, type Group, spread } from '../groups.js';
import {
  conditionsOf,
  type FigurePlan,
  seedsNote,
  sentences,
  slug,
  unfinishedNote,
} from './common.js';

/** Points of a line: more would not be seen. */
const BINS = 120;

interface Losses {
  steps: Int32Array;
  losses: Float64Array;
}

/** Figure 1a: training loss against step, one line for each corruption, for every network that has at least two. */
export function figure1a(groups: readonly Group[]): FigurePlan[] {
  const belonging = groups.filter(({ config }) =>
    PAPER_CORRUPTIONS.includes(corruptionLabel(config.corruption)),
  );
  return families(belonging, ['corruption'])
    .filter((family) => family.length > 1)
    .flatMap(planOf);
}

function planOf(family: Group[]): FigurePlan[] {
  const lines = PAPER_CORRUPTIONS.flatMap((label) => {
    const group = family.find(({ config }) => corruptionLabel(config.corruption) === label);
    const runs = group?.runs.map(lossesOf).filter((read) => read !== null) ?? [];
    return runs.length === 0 ? [] : [{ label, runs }];
  });
  if (lines.length < 2) return [];
  const longest = Math.max(...lines.flatMap(({ runs }) => runs.map(({ steps }) => steps.at(-1)!)));
  const whole = longest >= FIGURE_1A.steps;
  const end = whole ? FIGURE_1A.steps : longest;
  const width = Math.max(1, end / BINS);
  const about = conditionsOf(family);
  return [
    {
      id: `figure-1a-${slug(about)}`,
      part: '1a',
      title: `Training loss, ${modelLabel(family[0]!.config.model)}`,
      caption: sentences(
        `${about}.`,
        width > 1 && `Loss of the batches, averaged over ${Math.round(width)} steps.`,
        seedsNote(family, 'band'),
        !whole && `The paper's axis reaches ${grouped(FIGURE_1A.steps)} steps.`,
        unfinishedNote(family),
      ),
      chart: {
        x: { title: 'step', domain: [0, end], format: ',d' },
        y: { title: 'training loss', domain: [0, FIGURE_1A.loss], format: '.1f' },
        series: lines.map(({ label }) => label),
        points: lines.flatMap(({ label, runs }) => binned(label, runs, width)),
        ranges: 'band',
      },
    },
  ];
}

function lossesOf({ path }: { path: string }): Losses | null {
  try {
    const rows = readSteps(path).filter(({ loss }) => Number.isFinite(loss));
    if (rows.length === 0) return null;
    return {
      steps: Int32Array.from(rows, ({ step }) => step),
      losses: Float64Array.from(rows, ({ loss }) => loss!),
    };
  } catch (error) {
    // The table of runs says which file is damaged.
    if (error instanceof RethinkError) return null;
    throw error;
  }
}

/** The mean of each bin over the seeds that trained that long. */
function binned(series: string, runs: readonly Losses[], width: number): Point[] {
  const means = runs.map((run) => binMeans(run, width));
  const length = Math.max(...means.map((run) => run.length));
  return Array.from({ length }, (_, bin) => {
    const seeds = spread(means.map((run) => run[bin]));
    if (seeds === null) return [];
    return [{ series, x: (bin + 0.5) * width, y: seeds.mean, low: seeds.low, high: seeds.high }];
  }).flat();
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
