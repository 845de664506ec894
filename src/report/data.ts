import type { ChartFrame, Series } from './charts/chart.js';

/** What a page knows of its runs as data: Node.js writes it, the page's own script reads it, so neither is needed here. */

export type Scalar = string | number | boolean | null;

/** The numbers of a line, by column. */
export interface Columns {
  x: number[];
  y: number[];
  /** Of the seeds; missing where each is `y`. */
  low?: number[];
  high?: number[];
}

export interface PageSeries extends Series, Columns {
  /** Points of which only a lower bound is known. */
  atLeast?: Pick<Columns, 'x' | 'y'>;
}

export interface PageChart extends ChartFrame {
  series: PageSeries[];
}

export interface PageFigure {
  /** Of its element, and of its files. */
  id: string;
  /** `Figure 1a: Training loss, MLP 1×512`: no two of a page are the same. */
  title: string;
  caption: string;
  chart: PageChart;
}

export interface PageRun {
  /** Path relative to the page's folder, with forward slashes. */
  id: string;
  /** Its config's hash as its folder is named by it, or the folder's name. */
  short: string;
  name: string;
  /** `MLP 1×512, CIFAR-10, random labels, no regularizer, seed 0` */
  label: string;
  /** Runs that differ in nothing but their seeds have the same. */
  group: string;
  /** `true labels` … */
  corruption: string;
  seed: number;
  /** Keys of the config, as `train.learningRate`, in which the page's runs differ; `null`: it has none of it. */
  settings: Record<string, Scalar>;
  /** Machine, versions and engine. */
  environment: Record<string, Scalar>;
  /** What it came to, beside the columns. */
  results: Record<string, Scalar>;
  state: string;
  detail: string;
  epoch: number | null;
  /** Epochs at most. */
  epochs: number | null;
  /** Fractions, after the last evaluated epoch. */
  train: number | null;
  test: number | null;
  gap: number | null;
  seconds: number | null;
  /** ISO 8601. */
  started: string | null;
  /** Columns of `metrics.csv`, a number for each evaluated epoch. */
  columns: Record<string, (number | null)[]>;
}

/** How losses and margins of examples are spread, epoch by epoch: shares in bins that divide the range evenly. */
export interface Histograms {
  epochs: number[];
  loss: Spread;
  margin: Spread;
}

/** For each epoch, a share for each bin; empty where no example is of the group. */
interface Spread {
  range: [number, number];
  changed: number[][];
  unchanged: number[][];
}

/** Part of a page that is read: its markup, whole and safe. */
export interface Section {
  /** Of its element. */
  id: string;
  /** Its heading. */
  title: string;
  /** In the list at the top; `null`: nowhere. */
  short: string | null;
  html: string;
}

/** What the page's script starts from: the rest stands in the page itself. */
export interface PageData {
  /** ISO 8601. */
  made: string;
  /** Whether a server sends updates, and answers for files of runs. */
  served: boolean;
  figures: PageFigure[];
  runs: PageRun[];
  /** Of the keys in which the runs differ, those that somebody swept: none that follows from another. */
  swept: string[];
  /** Keys of the config in which all runs agree. */
  common: Record<string, Scalar>;
}

/** All that a page shows. */
export interface PageModel extends PageData {
  title: string;
  /** Markup of the lines below the title. */
  lead: string;
  sections: Section[];
}

/** Things with an id of which some have changed; `order` names all there are, and those not in it are gone. */
export interface Changed<T> {
  changed: T[];
  order: string[];
}

/** What has become of a page: parts that have not changed are missing. */
export interface PageUpdate {
  made: string;
  lead?: string;
  sections?: Changed<Section>;
  figures?: Changed<PageFigure>;
  runs?: Changed<PageRun>;
  swept?: string[];
  common?: Record<string, Scalar>;
}

/** A list with what has changed in it. */
export function merged<T extends { id: string }>(list: readonly T[], update?: Changed<T>): T[] {
  if (update === undefined) return [...list];
  const all = new Map([...list, ...update.changed].map((item) => [item.id, item]));
  return update.order.flatMap((id) => all.get(id) ?? []);
}
