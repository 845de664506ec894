import { basename, relative, sep } from 'node:path';
import { trainsNetwork } from '../config/theory.js';
import { EPOCH_COLUMNS, type StoredEpochRow } from '../results/training.js';
import { counted } from '../text.js';
import { version } from '../version.js';
import type { LineChart, Point } from './charts/chart.js';
import type { Columns, PageChart, PageFigure, PageModel, PageRun } from './data.js';
import { corruptionLabel } from './describe.js';
import type { FigurePlan } from './figures/index.js';
import { groupBy } from './groups.js';
import { type Html, html } from './html.js';
import type { Report } from './report.js';
import { lastRow } from './runs.js';
import { sectionsOf } from './sections.js';
import { differingKeys, flatConfig } from './settings.js';
import { whatOf } from './tables/runs.js';

/** The page of a report, as data. */
export function pageModel(report: Report, { served = false } = {}): PageModel {
  return {
    title: 'Rethinking generalization, rerun',
    made: report.made.toISOString(),
    served,
    lead: leadOf(report).markup,
    sections: sectionsOf(report),
    figures: report.plans.map(figureOf),
    runs: runsOf(report),
  };
}

function leadOf({ made, runs, damaged }: Report): Html {
  const counts = [...groupBy(runs, ({ state }) => state)].map(
    ([state, those]) => `${those.length} ${state}`,
  );
  if (damaged.length > 0) counts.push(`${damaged.length} unreadable`);
  return html`<p class="faint">Made by rethink-gen ${version} on ${made.toISOString().slice(0, 16).replace('T', ' ')} UTC from ${counted(runs.length, 'run')}: ${counts.join(', ')}. Held against Zhang, Bengio, Hardt, Recht and Vinyals, <a href="https://arxiv.org/abs/1611.03530">Understanding deep learning requires rethinking generalization</a> (ICLR 2017).</p>`;
}

function figureOf({ id, title, caption, chart }: FigurePlan): PageFigure {
  return { id, title, caption, chart: chartOf(chart) };
}

function chartOf({ series, points, atLeast, ...frame }: LineChart): PageChart {
  const own = groupBy(points, (point) => point.series);
  const bounds = groupBy(atLeast ?? [], (point) => point.series);
  return {
    ...frame,
    series: series.map((line) => ({
      ...line,
      ...columnsOf(own.get(line.name) ?? []),
      ...(bounds.has(line.name) ? { atLeast: columnsOf(bounds.get(line.name)!) } : {}),
    })),
  };
}

function columnsOf(points: readonly Point[]): Columns {
  const column = (key: 'x' | 'y' | 'low' | 'high') => points.map((point) => rounded(point[key]));
  const ranged = points.some(({ low, high }) => low !== high);
  return {
    x: column('x'),
    y: column('y'),
    ...(ranged ? { low: column('low'), high: column('high') } : {}),
  };
}

function runsOf({ runs, groups, folder }: Report): PageRun[] {
  const flats = runs.map(({ config }) => flatConfig(config));
  const keys = differingKeys(flats);
  const idOf = (path: string) => relative(folder, path).split(sep).join('/') || '.';
  const groupOf = new Map(
    groups.flatMap((group) => group.runs.map((run) => [run.path, idOf(group.runs[0]!.path)])),
  );
  return runs.map((run, i) => {
    const { config, state, detail, environment, result, theory, metrics } = run;
    const last = lastRow(run);
    const folderName = basename(run.path);
    return {
      id: idOf(run.path),
      short: /^\d{8}T\d{6}Z-([0-9a-f]{8})/.exec(folderName)?.[1] ?? folderName,
      name: config.name,
      label: whatOf(run),
      group: groupOf.get(run.path) ?? idOf(run.path),
      corruption: corruptionLabel(config.corruption, 'legend'),
      seed: config.seed,
      settings: Object.fromEntries(keys.map((key) => [key, flats[i]![key] ?? null])),
      state,
      detail,
      epoch: last?.epoch ?? null,
      epochs: trainsNetwork(config.experiment) ? config.train.epochs : null,
      train: known(last?.train_accuracy),
      test: known(last?.test_accuracy),
      gap: known(last?.generalization_gap),
      seconds: known(result?.seconds ?? theory?.seconds ?? last?.seconds),
      started: environment?.started ?? null,
      columns: metricColumns(metrics),
    };
  });
}

function metricColumns(rows: readonly StoredEpochRow[]): PageRun['columns'] {
  return Object.fromEntries(
    EPOCH_COLUMNS.map((column) => [column, rows.map((row) => known(row[column]))] as const).filter(
      ([, values]) => values.some((value) => value !== null),
    ),
  );
}

/** JSON has no numbers that are not finite. */
function known(value: number | null | undefined): number | null {
  return value === null || value === undefined || !Number.isFinite(value) ? null : rounded(value);
}

/** As many digits as anyone can see; counts stay whole. */
function rounded(value: number): number {
  return Number.isInteger(value) ? value : Number(value.toPrecision(5));
}
