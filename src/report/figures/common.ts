import { CORRUPTIONS } from '../../config/corruptions.js';
import { dataLabel } from '../../config/datasets.js';
import { optimizerLabel } from '../../config/optimizer.js';
import type { Config } from '../../config/resolve.js';
import { grouped } from '../../text.js';
import type { LineChart, Point, Series } from '../charts/chart.js';
import { corruptionLabel, lossLabel, modelLabel, regularizerLabel } from '../describe.js';
import { failedToFit } from '../fit.js';
import { type Group, spread } from '../groups.js';
import type { ReportRun } from '../runs.js';

/** In what the lines of a figure differ, beside their corruption. */
type Differs = {
  model?: boolean;
  samples?: boolean;
  regularization?: true;
  loss?: true;
  corruption?: false;
};

/**
 * A figure of groups that belong together.
 *
 * @param given Sentences of the caption `before` and `after` what it says of seeds; `name` begins its `id`.
 */
export function planOf(
  groups: readonly Group[],
  given: Pick<FigurePlan, 'part' | 'title' | 'chart'> & {
    name?: string;
    differs?: Differs;
    before?: (string | false)[];
    after?: (string | false)[];
  },
): FigurePlan {
  const { part, title, chart, name = `figure-${part}`, before = [], after = [] } = given;
  const about = conditionsOf(groups, given.differs);
  const seeds = seedsNote(groups, chart.ranges);
  const told = [
    `${about.join(', ')}.`,
    ...before,
    seeds,
    ...after,
    unfinishedNote(groups),
    failuresNote(groups),
  ];
  return {
    id: `${name}-${slug(about.join(', '))}`,
    part,
    title,
    about,
    config: groups[0]!.config,
    caption: told.filter(Boolean).join(' '),
    chart,
  };
}

/** What all lines of a figure have in common, for its caption: in what they differ is left out. */
function conditionsOf(groups: readonly Group[], differs: Differs = {}): string[] {
  const { config } = groups[0]!;
  const count = groups.flatMap(({ runs }) => runs.map(trainCount)).find((known) => known !== null);
  const images = count === undefined ? 'all' : grouped(count);
  const parts = [
    !differs.model && modelLabel(config.model),
    `${dataLabel(config.data.name)}${differs.samples ? '' : `, ${images} training images`}`,
    differs.corruption === false && corruptionLabel(config.corruption),
    !differs.regularization && regularizerLabel(config.regularization),
    !differs.loss && config.loss !== undefined && lossLabel(config.loss),
    config.train.optimizer !== undefined && optimizerLabel(config.train.optimizer),
  ];
  return parts.filter((part) => part !== false);
}

/** Training images of a run; `null` where only a result could tell, and there is none yet. */
export function trainCount({ config, result }: ReportRun): number | null {
  return result?.data?.train ?? config.data.split?.train ?? config.data.limit ?? null;
}

/** How seeds are shown: sentences for the caption. */
function seedsNote(groups: readonly Group[], shown: 'band' | 'bar'): string {
  const counts = groups.map(({ runs }) => runs.length);
  const [least, most] = [Math.min(...counts), Math.max(...counts)];
  if (most === 1) return 'One seed each.';
  const seeds = least === most ? `${most} seeds` : `${least} to ${most} seeds`;
  return `Mean of ${seeds}; ${shown}s reach from the smallest to the largest.`;
}

/** A sentence on runs that have not ended. */
function unfinishedNote(groups: readonly Group[]): string {
  const runs = groups.flatMap((group) => group.runs);
  const count = (state: ReportRun['state']) => runs.filter((run) => run.state === state).length;
  const parts = (['running', 'interrupted', 'diverged', 'failed'] as const)
    .filter((state) => count(state) > 0)
    .map((state) => `${count(state)} ${state}`);
  return parts.length === 0 ? '' : `Shown as far as they are: ${parts.join(', ')}.`;
}

/** A sentence on runs that ended without fitting their training set: their numbers are in the means all the same. */
function failuresNote(groups: readonly Group[]): string {
  const ended = groups.flatMap(({ runs }) => runs).filter(({ state }) => state === 'finished');
  const failed = ended.filter((run) => failedToFit(run) === true).length;
  return failed === 0 ? '' : `${failed} of ${ended.length} did not converge.`;
}

/** What p is in the legends. */
export function legendNotes(groups: readonly Group[]): string[] {
  const partial = groups
    .flatMap(({ config }) => config.corruption)
    .filter(({ fraction }) => fraction > 0 && fraction < 1);
  const notes = partial.map(({ kind }) => CORRUPTIONS[kind].legend?.p);
  return [...new Set(notes)].flatMap((p) => (p === undefined ? [] : [`p: ${p}.`]));
}

/** Corruption as legends tell it. */
export function shortLabel({ config }: Group): string {
  return corruptionLabel(config.corruption, 'legend');
}

/** Labels, with a number where two are the same: labels don't tell all in which configs can differ. */
export function numbered(labels: readonly string[]): string[] {
  return labels.map((label, i) => {
    const before = labels.slice(0, i).filter((other) => other === label).length;
    return before === 0 ? label : `${label} (${before + 1})`;
  });
}

/** `CNN-5, width 4`, or `CNN-5, width 4 to CNN-5` of several in their order. */
export function modelRange(groups: readonly Group[]): string {
  const labels = groups.map(({ config }) => modelLabel(config.model));
  return labels[0] === labels.at(-1) ? labels[0]! : `${labels[0]} to ${labels.at(-1)}`;
}

/** The conditions of lines, in their order. */
export function conditionsIn(series: readonly Series[]): string[] {
  return [...new Set(series.map(({ condition }) => condition))];
}

/** Mean and range of the seeds as a point; none where there is no number. */
export function pointAt(
  series: string,
  x: number,
  seeds: readonly (number | null | undefined)[],
): Point[] {
  const values = spread(seeds);
  return values === null ? [] : [{ series, x, y: values.mean, low: values.low, high: values.high }];
}

/** Groups of which some run has been evaluated. */
export function started(groups: readonly Group[]): Group[] {
  return groups.filter(({ runs }) => runs.some(({ metrics }) => metrics.length > 0));
}

/** `Inception, CIFAR-10, 50,000 training images` as part of a file name. */
function slug(text: string): string {
  return text
    .toLowerCase()
    .replace(/,(?=\d{3})/g, '')
    .replace(/×/g, 'x')
    .replace(/w\/o/g, 'without')
    .replace(/ training images|, no regularizer/g, '')
    .replace(/[^a-z0-9]+/g, '-')
    .replace(/^-|-$/g, '')
    .slice(0, 60);
}

/** A figure before it is drawn. */
export interface FigurePlan {
  /** Names its files. */
  id: string;
  /** Of the paper's figure it belongs to, or of a kind of our own. */
  part: '1a' | '1b' | '1c' | '2a' | '2b' | 'loss' | 'descent' | 'curves' | 'measures' | 'examples';
  title: string;
  /** What all its lines have in common. */
  about: string[];
  /** Of its first line. */
  config: Config;
  /** Plain sentences: what is seen, under which conditions, what bands and symbols mean. */
  caption: string;
  chart: LineChart;
}
