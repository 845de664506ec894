import { relative, sep } from 'node:path';
import { type FlatConfig, flatConfig } from '../config/flat.js';
import { portableConfig } from '../config/portable.js';
import { sweptKeys } from '../config/swept.js';
import { trainsNetwork } from '../config/theory.js';
import { shortIds, startedAt } from '../record/listing/ids.js';
import { textOf } from '../results/condition.js';
import { MEASURE_NAMES } from '../results/measures.js';
import { EPOCH_COLUMNS, type StoredEpochRow } from '../results/training.js';
import { counted } from '../text.js';
import { version } from '../version.js';
import { type LineChart, type Point, rounded } from './charts/chart.js';
import { versionOf } from './conditions.js';
import type { Columns, PageChart, PageFigure, PageModel, PageRun, Scalar } from './data.js';
import { corruptionLabel } from './describe.js';
import type { FigurePlan } from './figures/index.js';
import { groupBy } from './groups.js';
import { type Html, html } from './html.js';
import type { Report } from './report.js';
import { lastRow, type ReportRun } from './runs.js';
import { sectionsOf } from './sections.js';
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
    ...runsOf(report),
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

function runsOf({ runs, groups, folder }: Report): Pick<PageModel, 'runs' | 'swept' | 'common'> {
  const flats = runs.map(({ config }) => flatConfig(portableConfig(config)));
  const [first] = flats;
  const keys = [...new Set(flats.flatMap((flat) => [...flat.keys()]))];
  const same = (key: string) =>
    flats.every((flat) => textOf(flat.get(key)) === textOf(first?.get(key)));
  const differing = keys.filter((key) => !same(key));
  const idOf = (path: string) => relative(folder, path).split(sep).join('/') || '.';
  const ids = shortIds(runs.map(({ path }) => path));
  const groupOf = new Map(
    groups.flatMap((group) => group.runs.map((run) => [run.path, idOf(group.runs[0]!.path)])),
  );
  const settingsOf = (flat: FlatConfig) =>
    Object.fromEntries(differing.map((key) => [key, scalar(flat.get(key))]));
  return {
    swept: sweptKeys(flats),
    common: Object.fromEntries(keys.filter(same).map((key) => [key, scalar(first!.get(key))])),
    runs: runs.map((run, i) => {
      const { config, state, detail, environment, result, theory, metrics } = run;
      const last = lastRow(run);
      return {
        id: idOf(run.path),
        short: ids.get(run.path)!,
        name: config.name,
        label: whatOf(run),
        group: groupOf.get(run.path) ?? idOf(run.path),
        corruption: corruptionLabel(config.corruption, 'legend'),
        seed: config.seed,
        settings: settingsOf(flats[i]!),
        environment: environmentOf(run),
        results: resultsOf(run),
        state,
        detail,
        epoch: last?.epoch ?? null,
        epochs: trainsNetwork(config.experiment) ? config.train.epochs : null,
        train: known(last?.train_accuracy),
        test: known(last?.test_accuracy),
        gap: known(last?.generalization_gap),
        seconds: known(result?.seconds ?? theory?.seconds ?? last?.seconds),
        started: startedAt(run.path) ?? environment?.started ?? null,
        columns: metricColumns(metrics),
      };
    }),
  };
}

/** Lists as they are written. */
function scalar(value: unknown): Scalar {
  if (typeof value === 'number') return Number.isFinite(value) ? value : String(value);
  if (typeof value === 'string' || typeof value === 'boolean') return value;
  return value === undefined || value === null ? null : JSON.stringify(value);
}

function environmentOf(run: ReportRun): Record<string, Scalar> {
  const { environment, result, theory } = run;
  const { name, version, device, precision, mode } =
    (result ?? theory)?.engine ?? environment?.engine ?? {};
  const facts = {
    'rethink-gen': versionOf(run),
    'Node.js': environment?.node,
    system: environment?.os,
    processor: environment?.cpu?.model,
    GPUs: environment?.gpus?.map((gpu) => gpu.name).join(', ') || undefined,
    engine: name === undefined ? undefined : `${name} ${version ?? ''}`,
    device,
    precision,
    mode,
  };
  return scalars(facts);
}

function resultsOf({ result, theory }: ReportRun): Record<string, Scalar> {
  const ended = result ?? theory;
  const facts = {
    outcome: ended?.outcome,
    epochs: result?.epochs,
    steps: result?.steps,
    'best test accuracy': result?.best?.test_accuracy,
    'best epoch': result?.best?.epoch,
    'label noise': ended?.label_noise,
    'images trained on': ended?.data?.train,
    'data hash': ended?.data?.hash?.slice(0, 12),
    parameters: result?.parameters,
    ...Object.fromEntries(MEASURE_NAMES.map((name) => [name, result?.measures?.[name]])),
  };
  return scalars(facts);
}

/** Without what is not known. */
function scalars(facts: Record<string, unknown>): Record<string, Scalar> {
  return Object.fromEntries(
    Object.entries(facts).flatMap(([key, value]) =>
      value === undefined || value === null
        ? []
        : [[key, typeof value === 'number' ? known(value) : scalar(value)]],
    ),
  );
}

/** A live page is made again and again, and of most runs nothing has changed: the same rows are the same columns. */
const columnsOfRows = new WeakMap<readonly StoredEpochRow[], PageRun['columns']>();

function metricColumns(rows: readonly StoredEpochRow[]): PageRun['columns'] {
  const known = columnsOfRows.get(rows) ?? columnsOfAll(rows);
  columnsOfRows.set(rows, known);
  return known;
}

function columnsOfAll(rows: readonly StoredEpochRow[]): PageRun['columns'] {
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
