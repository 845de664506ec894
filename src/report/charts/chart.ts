/**
 * A figure as data. Vega-Lite draws it for the page as it is read and printed, the page's own script for those who touch it:
 * nothing here may need Node.js or a browser.
 */

/** Drawn solid and dashed, in every figure. */
export type Split = 'train' | 'test';

export const DASHES: Record<Split, [on: number, off: number]> = { train: [1, 0], test: [6, 4] };

/** What the conditions of a figure are: the same one has the same color all over a page. */
export type Meaning = 'corruption' | 'network' | 'regularizers' | 'loss' | 'settings' | 'examples';

/** A line. */
export interface Series {
  /** Its own within the figure. */
  name: string;
  /** What its color stands for. */
  condition: string;
  split: Split;
  /** Where it is drawn, in a chart with panels. */
  panel?: string;
}

/** A value of a series with the range of its seeds. */
export interface Point {
  /** The series' name. */
  series: string;
  x: number;
  y: number;
  low: number;
  high: number;
}

export interface Axis {
  title: string;
  domain?: [number, number];
  /** Of d3: `.0%`, `,d`, `.1f` … */
  format?: string;
  /** Logarithmic, as long as nobody asks for another. */
  log?: true;
}

/** A place on the x axis that is told, in the color of a series. */
export interface Mark {
  /** The series' name. */
  series: string;
  x: number;
  label: string;
}

/**
 * Whether what a mark is stands on its left: there, where it has more room; of several the first ones', so that labels don't run
 * into the rules of others.
 *
 * @param at From 0 at the axis' lower end to 1.
 */
export function isLabeledLeft(at: number, place: number, count: number): boolean {
  const least = count === 1 ? 0.5 : place < count / 2 ? 0.25 : 0.75;
  return at > least;
}

/** All of a chart but its numbers. */
export interface ChartFrame {
  x: Axis;
  y: Axis;
  means: Meaning;
  /** In the order of the key. */
  conditions: string[];
  /** Places in the palette, one for each condition; given once all figures of a page are known. */
  colors?: number[];
  /** Small charts with the same axes, where one would hold more than can be told apart; each line has its own. */
  panels?: string[];
  /** Ranges as bands around the lines, or as bars through the points. */
  ranges: 'band' | 'bar';
  /** A level to compare with. */
  level?: { y: number; label: string };
  /** Ascending. */
  marks?: Mark[];
}

export interface LineChart extends ChartFrame {
  series: Series[];
  points: Point[];
  /** Points of which only a lower bound is known. */
  atLeast?: Point[];
}

/** A number with as many digits as anyone can see; counts stay whole. */
export function rounded(value: number): number {
  return Number.isInteger(value) ? value : Number(value.toPrecision(5));
}

/** Color of a condition as a place in the palette. */
export function colorOf({ conditions, colors }: ChartFrame, condition: string): number {
  const place = conditions.indexOf(condition);
  return colors?.[place] ?? place;
}

/** Whether the names of panels already say what colors mean, as `apart` names them. */
export function isEachApart({ panels, series }: Lines): boolean {
  return panels !== undefined && series.every((line) => line.panel === nameApart(line));
}

/** The same chart with every condition in a panel of its own. */
export function apart<T extends Lines>(chart: T): T {
  const series = chart.series.map((line) => ({ ...line, panel: nameApart(line) }));
  return { ...chart, series, panels: [...new Set(series.map(({ panel }) => panel))] };
}

/** A panel's name with the condition of the line in it, once. */
function nameApart({ panel, condition }: Series): string {
  if (panel === undefined || panel === condition) return condition;
  return panel.endsWith(`, ${condition}`) ? panel : `${panel}, ${condition}`;
}

type Lines = ChartFrame & { series: Series[] };
